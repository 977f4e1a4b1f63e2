using Parley.Cli.Tests.Doubles;
using Parley.TestSupport.Hub;

namespace Parley.Cli.Tests.Models;

/// <summary><c>parley pull</c> as a process beside a local Hub.</summary>
public sealed class PullCommandTests
{
    private const string Name = "org/demo-model";

    [Fact]
    public async Task Pull_FromAnEmptyCache_SaysWhereItIsAndWhatItIs()
    {
        await using var home = await HubHome.StartAsync();
        var repository = home.AddDemo(Name);

        var (code, text) = await home.RunAsync("pull", Name);

        Assert.Equal(0, code);
        Assert.Contains($"commit {repository.Commit}", text, StringComparison.Ordinal);
        Assert.Contains("7.02 MB fetched", text, StringComparison.Ordinal);
        var folder = Path.Combine(home.CacheFolder, "models--org--demo-model", "snapshots", repository.Commit);
        Assert.Contains(folder, text, StringComparison.Ordinal);
        Assert.Equal(repository.Files["model.safetensors"].Bytes, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));

        (code, text) = await home.RunAsync("pull", Name);
        Assert.Equal(0, code);
        Assert.Contains("nothing was missing", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_Interrupted_SaysThatItGoesOnAndDoes()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        home.Hub.Fault = request =>
        {
            if (!request.Path.StartsWith("/store/", StringComparison.Ordinal))
                return null;
            reached.TrySetResult();
            return new HubFault { StallAfter = 4 << 20 };
        };
        await using var run = home.Start("pull", Name);
        await reached.Task;
        var growing = Path.Combine(home.CacheFolder, "models--org--demo-model", "blobs");
        // The journal notes a part once a megabyte of it has come.
        while (!Directory.GetFiles(growing, "*-parts.incomplete").Any(path => File.ReadAllBytes(path) is { Length: 32 } note
            && BitConverter.ToInt64(note, 24) >= 1 << 20))
            await Task.Delay(20);
        await run.InterruptAsync();

        Assert.Equal(130, await run.EndAsync());
        Assert.Contains("kept", run.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Text, StringComparison.Ordinal);

        home.Hub.Fault = _ => null;
        home.Hub.Requests.Clear();
        var (code, _) = await home.RunAsync("pull", Name);
        Assert.Equal(0, code);
        var range = Assert.Single(home.Hub.Requests, request => request.Path.StartsWith("/store/", StringComparison.Ordinal)).Range;
        Assert.NotEqual("bytes=0-6955519", range);
        Assert.EndsWith("-6955519", range, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model_type": "mamba2"}""", "mamba2")]
    [InlineData("""{"model_type": "llama", "quantization_config": {"quant_method": "aqlm"}}""", "quantization_config")]
    public async Task Pull_OfWhatCannotBeServed_SaysSoBeforeTheWeights(string config, string named)
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name).With("config.json", config);

        var (code, text) = await home.RunAsync("pull", Name);

        Assert.Equal(1, code);
        Assert.Contains("error: ", text, StringComparison.Ordinal);
        Assert.Contains(named, text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.False(home.HasSentWeights());
    }

    [Fact]
    public async Task Pull_OfAModelWithoutATokenizer_SaysSoBeforeTheWeights()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name).Files.Remove("tokenizer.json");

        var (code, text) = await home.RunAsync("pull", Name);

        Assert.Equal(1, code);
        Assert.Contains("tokenizer", text, StringComparison.Ordinal);
        Assert.False(home.HasSentWeights());
    }

    [Fact]
    public async Task Pull_OfPicklesAlone_SaysWhyNot()
    {
        await using var home = await HubHome.StartAsync();
        var repository = home.AddDemo(Name);
        repository.Files.Remove("model.safetensors");
        repository.With("pytorch_model.bin", [1, 2, 3], isLarge: true);

        var (code, text) = await home.RunAsync("pull", Name);

        Assert.Equal(1, code);
        Assert.Contains("pickle", text, StringComparison.Ordinal);
        Assert.False(home.HasSentWeights());
    }

    [Fact]
    public async Task Pull_OfSeveralGgufFiles_ListsThem()
    {
        await using var home = await HubHome.StartAsync();
        home.Hub.Add(Name).With("m-Q4_K_M.gguf", new byte[2000], isLarge: true).With("m-Q8_0.gguf", new byte[4000], isLarge: true);

        var (code, text) = await home.RunAsync("pull", Name);

        Assert.Equal(1, code);
        Assert.Contains($"{Name}:Q4_K_M", text, StringComparison.Ordinal);
        Assert.Contains($"{Name}:Q8_0", text, StringComparison.Ordinal);
        Assert.False(home.HasSentWeights());
    }

    [Fact]
    public async Task Pull_OfAGgufFileOfAnotherArchitecture_ReadsItsBeginningAlone()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name).With("m-Q4_K_M.gguf", HubHome.Gguf("mamba", 5 << 20), isLarge: true);

        var (code, text) = await home.RunAsync("pull", Name + ":Q4_K_M");

        Assert.Equal(1, code);
        Assert.Contains("mamba", text, StringComparison.Ordinal);
        var asked = home.Hub.Requests.Where(request => request.Path.StartsWith("/store/", StringComparison.Ordinal)).ToList();
        Assert.Equal("bytes=0-1048575", Assert.Single(asked).Range);
    }

    [Fact]
    public async Task Pull_Offline_SaysWhatForbidsIt()
    {
        await using var home = await HubHome.StartAsync();
        home.Environment["HF_HUB_OFFLINE"] = "1";

        foreach (var arguments in new[] { new[] { "pull", Name }, ["models", "search", "demo"], ["inspect", "model", Name] })
        {
            var (code, text) = await home.RunAsync(arguments);
            Assert.Equal(1, code);
            Assert.Contains("HF_HUB_OFFLINE", text, StringComparison.Ordinal);
        }

        Assert.Empty(home.Hub.Requests);
    }
}
