using System.Text.Json;
using Parley.Cli.Tests.Doubles;
using Parley.TestSupport;
using Parley.TestSupport.Gguf;

namespace Parley.Cli.Tests.Models;

/// <summary>GGUF repositories by name: from an empty cache to an answer, and what is said before anything large is fetched.</summary>
public sealed class GgufNameTests
{
    private const string Name = "org/demo-GGUF";
    private static readonly Lazy<byte[]> Demo = new(() => DemoGguf.Create().ToArray());

    /// <summary>In a folder named by its kind, with nothing beside it; the second start asks nobody and answers the same.</summary>
    [Fact]
    public async Task Chat_OfAChoice_AnswersFromAnEmptyCacheAndThenWithoutTheHub()
    {
        await using var home = await HubHome.StartAsync();
        home.Hub.Add(Name).With("Q4_K_M/model.gguf", Demo.Value, isLarge: true).With("Q8_0/model.gguf", new byte[2_000_000], isLarge: true)
            .With("config.json", """{"model_type": "llama"}""");
        var expected = await AnswerAsync(home, Shared.DemoModel);
        Assert.NotEmpty(expected.Answer);
        Assert.Empty(home.Hub.Requests);

        var first = await AnswerAsync(home, Name + ":q4_k_m");
        Assert.Equal(expected.Answer, first.Answer);
        Assert.Contains($"Importing {Name}:Q4_K_M as fp32", first.Text, StringComparison.Ordinal);
        Assert.Contains("Note: a GGUF file of this architecture cannot say whether attention has a window", first.Text,
            StringComparison.Ordinal);
        Assert.DoesNotContain(home.Hub.Requests, request => request.Path.Contains("Q8_0", StringComparison.Ordinal));

        home.Hub.Requests.Clear();
        var second = await AnswerAsync(home, Name + ":Q4_K_M");
        Assert.Equal(expected.Answer, second.Answer);
        Assert.Contains("from the cache", second.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Importing", second.Text, StringComparison.Ordinal);
        Assert.Empty(home.Hub.Requests);
    }

    /// <summary>All parts of a split file come, and make the model that the safetensors make; then it goes as a whole.</summary>
    [Fact]
    public async Task Up_OfASplitFile_ServesItAndLetsItGo()
    {
        await using var home = await HubHome.StartAsync();
        var repository = home.Hub.Add(Name);
        foreach (var (part, bytes) in DemoGguf.Create().ToParts(3).Index())
            repository.With($"BF16/demo-BF16-{part + 1:00000}-of-00003.gguf", bytes, isLarge: true);
        var reference = Path.Combine(home.Folder, "reference");
        Assert.Equal(0, (await home.RunAsync("import", Shared.DemoModel, reference, "--precision", "fp32")).ExitCode);

        await using (var run = home.Start("up", "--model", Name, "--precision", "fp32", "--port", "0", "--grpc-port", "0"))
        {
            Assert.Contains(Name, await run.LineAsync("  model "), StringComparison.Ordinal);
            await run.InterruptAsync();
            Assert.Equal(0, await run.EndAsync());
        }

        var package = Assert.Single(Directory.GetDirectories(Path.Combine(home.Folder, "cache", "parley", "packages")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(reference, "model.data")), File.ReadAllBytes(Path.Combine(package, "model.data")));
        using var manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(package, "parley.json")));
        Assert.Equal((Name, repository.Commit), (manifest.RootElement.GetProperty("name").GetString(),
            manifest.RootElement.GetProperty("sourceRevision").GetString()));

        Assert.Equal(0, (await home.RunAsync("models", "rm", Name, "--yes")).ExitCode);
        Assert.Equal("[]", (await home.RunAsync("models", "--json")).Text);
    }

    /// <summary>What takes a path takes a name; each prints what it would of the folder.</summary>
    [Fact]
    public async Task Commands_OfAName_TakeItAsAPath()
    {
        await using var home = await HubHome.StartAsync();
        home.Hub.Add(Name).With("demo-Q8_0.gguf", Demo.Value, isLarge: true).With("config.json", """{"model_type": "llama"}""");
        // A stub would give it the sizes of another model.
        var (code, text) = await home.RunAsync("inspect", "model", Name);
        Assert.Equal(1, code);
        Assert.Contains($"'parley pull {Name}' fetches it", text, StringComparison.Ordinal);
        Assert.False(home.HasSentWeights());

        await using (var run = home.Start("bench", "engine", "--model", Name, "--precision", "fp32", "--batches", "1", "--prompts", "4",
            "--past", "8", "--repeats", "1", "--json"))
        {
            Assert.Equal(0, await run.EndAsync());
            using var json = JsonDocument.Parse(run.Output);
            Assert.Contains("fp32", run.Output, StringComparison.Ordinal);
        }

        home.Hub.Requests.Clear();
        (code, text) = await home.RunAsync("inspect", "model", Name, "--json");
        Assert.Equal(0, code);
        using var tree = JsonDocument.Parse(text);
        Assert.Equal(3_475_712, tree.RootElement.GetProperty("parameters").GetInt64());
        Assert.Empty(home.Hub.Requests);
    }

    public static TheoryData<string, string> Unservable => new()
    {
        { "type", "blk.0.ffn_up.weight is of IQ2_XXS" },
        { "type of a later part", "demo-F16-00002-of-00002.gguf: tensor blk.3.ffn_up.weight is of IQ2_XXS" },
        { "pre-tokenizer", "tokenizer.ggml.pre is bloom" },
        { "vocabulary", "tokenizer.ggml.model is bert" },
        { "mathematics", "llama.expert_used_count" },
        { "configuration", "num_hidden_layers is 7, but" },
        { "part", "split into 2 files, and the repository has 1" },
        { "no GGUF file", "GGUF" },
    };

    /// <summary>Each reason by its key, field or tensor, from the header alone.</summary>
    [Theory]
    [MemberData(nameof(Unservable))]
    public async Task Pull_OfWhatCannotBeServed_ReadsTheBeginningsAlone(string reason, string named)
    {
        await using var home = await HubHome.StartAsync();
        var repository = home.Hub.Add(Name);
        var writer = DemoGguf.Create();
        switch (reason)
        {
            case "type":
                writer.Retype("blk.0.ffn_up.weight", 16);
                break;
            case "type of a later part":
                writer.Retype("blk.3.ffn_up.weight", 16);
                break;
            case "pre-tokenizer":
                writer.Set("tokenizer.ggml.pre", "bloom");
                break;
            case "vocabulary":
                writer.Set("tokenizer.ggml.model", "bert");
                break;
            case "mathematics":
                writer.Set("llama.expert_count", 8u);
                break;
            case "configuration":
                repository.With("config.json", """{"model_type": "llama", "num_hidden_layers": 7}""");
                break;
        }

        var parts = writer.ToParts(2).ToArray();
        if (reason is "type of a later part" or "part")
            repository.With("demo-F16-00001-of-00002.gguf", parts[0], isLarge: true);
        if (reason is "type of a later part")
            repository.With("demo-F16-00002-of-00002.gguf", parts[1], isLarge: true);
        else if (reason == "no GGUF file")
            repository.With("demo-F16.gguf", System.Text.Encoding.UTF8.GetBytes(new string('<', 2_000_000)), isLarge: true);
        else if (reason != "part")
            repository.With("demo-F16.gguf", writer.ToArray(), isLarge: true);

        var (code, text) = await home.RunAsync("pull", Name + ":F16");

        Assert.Equal(1, code);
        Assert.Contains("error: ", text, StringComparison.Ordinal);
        Assert.Contains(named, text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.All(home.Hub.Requests.Where(request => request.Path.StartsWith("/store/", StringComparison.Ordinal)),
            request => Assert.Equal("bytes=0-1048575", request.Range));
        Assert.Empty(Directory.GetFiles(home.Folder, "*.incomplete", SearchOption.AllDirectories));
    }

    /// <summary>A header longer than the first request is read on from there, and nothing of it twice.</summary>
    [Fact]
    public async Task Pull_OfALongHeader_ReadsOnFromWhereItWas()
    {
        await using var home = await HubHome.StartAsync();
        var writer = DemoGguf.Create();
        writer.Add("general.description", new string('x', 3_000_000));
        writer.Set("tokenizer.ggml.pre", "bloom");
        home.Hub.Add(Name).With("demo-F16.gguf", writer.ToArray(), isLarge: true);

        Assert.Equal(1, (await home.RunAsync("pull", Name)).ExitCode);

        Assert.Equal(["bytes=0-1048575", "bytes=1048576-4194303"], home.Hub.Requests
            .Where(request => request.Path.StartsWith("/store/", StringComparison.Ordinal)).Select(request => request.Range));
    }

    /// <summary>Without a choice the listing is what one may type, with sizes and what is more than this machine has.</summary>
    [Fact]
    public async Task Pull_OfAnUnnamedChoice_ListsWhatCanBeTyped()
    {
        await using var home = await HubHome.StartAsync();
        // A machine of a test has less than this; nothing of it is ever sent.
        home.Hub.Add(Name).With("config.json", """{"model_type": "llama"}""").With("Q4_K_M/model.gguf", Demo.Value, isLarge: true)
            .ListedBeside.Add($$$"""
                {"type":"file","path":"BF16/model.gguf","size":70000000000000,"oid":"{{{new string('1', 40)}}}",
                 "lfs":{"oid":"{{{new string('2', 64)}}}","size":70000000000000,"pointerSize":134}}
                """);

        var (code, text) = await home.RunAsync("up", "--model", Name);

        Assert.Equal(1, code);
        Assert.Matches($"  {Name}:Q4_K_M +0.01 GB\n", text + "\n");
        Assert.Matches($"  {Name}:BF16 +70000.00 GB  more than this machine's memory", text);
        Assert.False(home.HasSentWeights());
    }

    private static async Task<(string Answer, string Text)> AnswerAsync(HubHome home, string model)
    {
        var (code, text) = await home.RunWithInputAsync(
            "Tell me of the sea.\n/exit\n", "chat", "--model", model, "--precision", "fp32", "--temperature", "0", "--max-tokens", "12");
        Assert.True(code == 0, text);
        var lines = text.Split('\n');
        var start = Array.FindIndex(lines, line => line.Contains("/exit ends", StringComparison.Ordinal));
        var end = Array.FindIndex(lines, line => line.Contains("tokens, first after", StringComparison.Ordinal));
        return (string.Join('\n', lines[(start + 1)..end]).Trim(), text);
    }
}
