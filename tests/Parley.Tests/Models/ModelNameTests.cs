using System.Text.Json;
using Parley.Cli.Tests.Doubles;

namespace Parley.Cli.Tests.Models;

/// <summary>A name on the Hub where a path may stand: from an empty cache to a served model, and back to an empty cache.</summary>
public sealed class ModelNameTests
{
    private const string Name = "org/demo-model";

    [Fact]
    public async Task Up_OfAName_ServesItAndNeedsNoHubTheSecondTime()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name);
        Assert.Contains(Name, await ServedAsync(home), StringComparison.Ordinal);
        Assert.True(home.HasSentWeights());

        home.Hub.Requests.Clear();
        // A file that is read is a file that must be there: the second start reads no weights of the source.
        Assert.Contains("from the cache; 'parley pull org/demo-model'", await ServedAsync(home), StringComparison.Ordinal);
        Assert.Empty(home.Hub.Requests);
    }

    [Fact]
    public async Task Import_WhenTheBranchHasMoved_TakesTheCacheUntilAPull()
    {
        await using var home = await HubHome.StartAsync();
        var old = home.AddDemo(Name);
        Assert.Equal(0, (await ImportAsync(home, "first")).ExitCode);
        home.AddDemo(Name, 'b').With("generation_config.json", """{"eos_token_id": 2, "temperature": 0.5}""");
        home.Hub.Repositories[(Name, "before")] = old;

        Assert.Equal(0, (await ImportAsync(home, "second")).ExitCode);
        Assert.Equal(0, (await home.RunAsync("pull", Name)).ExitCode);
        Assert.Equal(0, (await ImportAsync(home, "third")).ExitCode);

        Assert.Equal([new string('a', 40), new string('a', 40), new string('b', 40)],
            new[] { "first", "second", "third" }.Select(package => Revision(home, package)));
    }

    [Fact]
    public async Task Inspect_OfAName_FetchesNoWeights()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name);

        var (code, text) = await home.RunAsync("inspect", "model", Name);

        Assert.Equal(0, code);
        Assert.Contains("LlamaForCausalLM", text, StringComparison.Ordinal);
        Assert.False(home.HasSentWeights());
    }

    [Fact]
    public async Task Eval_OfAName_TakesItsPackageAndLeavesTheOutputToJson()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name);
        var ids = Path.Combine(home.Folder, "ids.json");
        File.WriteAllText(ids, $"[{string.Join(", ", Enumerable.Range(300, 40))}]");

        await using var run = home.Start("eval", Name, "--ids", ids, "--json");

        Assert.Equal(0, await run.EndAsync());
        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal(1, json.RootElement.GetProperty("results").GetArrayLength());
        Assert.Contains("Importing org/demo-model as int8", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("./org/demo-model")]
    [InlineData("/nowhere/demo-model")]
    [InlineData("~/demo-model")]
    public async Task Import_OfWhatCanOnlyBeAPath_AsksNoHub(string path)
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name);

        var (code, text) = await home.RunAsync("import", path, Path.Combine(home.Folder, "package"));

        Assert.Equal(1, code);
        Assert.Contains("does not exist", text, StringComparison.Ordinal);
        Assert.Empty(home.Hub.Requests);
    }

    [Fact]
    public async Task Import_OfANameThatIsNothing_SaysThatItIsNoPathEither()
    {
        await using var home = await HubHome.StartAsync();
        var (code, text) = await home.RunAsync("import", "no/where", Path.Combine(home.Folder, "package"));
        Assert.Equal(1, code);
        Assert.Contains("'no/where' is no path", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_AfterAPullAndAnImport_ListsBothAndTakesBothAway()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo(Name);
        await ServedAsync(home);

        var (_, text) = await home.RunAsync("models", "--json");
        using (var json = JsonDocument.Parse(text))
        {
            var models = json.RootElement.EnumerateArray().ToList();
            Assert.Equal(["snapshot", "package"], models.Select(model => model.GetProperty("kind").GetString()));
            Assert.All(models, model => Assert.Equal(Name, model.GetProperty("name").GetString()));
            Assert.All(models, model => Assert.Equal(new string('a', 40), model.GetProperty("commit").GetString()));
            Assert.All(models, model => Assert.True(model.GetProperty("bytes").GetInt64() > 1_000_000));
            Assert.Equal(["safetensors", "fp32"], models.Select(model => model.GetProperty("precision").GetString()));
            Assert.Equal(["main", $"{Name}@{new string('a', 40)}"], models.Select(model => model.GetProperty("source").GetString()));
            Assert.All(models, model => Assert.InRange(
                model.GetProperty("last_use").GetDateTime(), DateTime.UtcNow.AddHours(-1), DateTime.UtcNow.AddHours(1)));
        }

        Assert.Equal(1, (await home.RunAsync("models", "rm", Name)).ExitCode);
        Assert.True(Directory.Exists(Path.Combine(home.CacheFolder, "models--org--demo-model")));
        Assert.Equal(0, (await home.RunAsync("models", "rm", Name, "--yes")).ExitCode);
        Assert.False(Directory.Exists(Path.Combine(home.CacheFolder, "models--org--demo-model")));
        (_, text) = await home.RunAsync("models", "--json");
        Assert.Equal("[]", text);
        Assert.Equal(1, (await home.RunAsync("models", "rm", Name, "--yes")).ExitCode);
    }

    /// <summary>Of two revisions one goes with its package; what the other needs stays.</summary>
    [Fact]
    public async Task Remove_OfARevision_LeavesTheOther()
    {
        await using var home = await HubHome.StartAsync();
        var old = home.AddDemo(Name);
        home.Hub.Repositories[(Name, "v1")] = old;
        Assert.Equal(0, (await home.RunAsync("pull", Name + "@v1")).ExitCode);
        home.AddDemo(Name, 'b').With("generation_config.json", """{"eos_token_id": 2043}""");
        Assert.Equal(0, (await home.RunAsync("pull", Name)).ExitCode);

        var (code, text) = await home.RunAsync("models", "rm", Name + ":Q4_0", "--yes");
        Assert.Equal(1, code);
        Assert.Contains("name it without ':Q4_0'", text, StringComparison.Ordinal);
        Assert.Equal(0, (await home.RunAsync("models", "rm", Name + "@v1", "--yes")).ExitCode);

        using var json = JsonDocument.Parse((await home.RunAsync("models", "--json")).Text);
        Assert.Equal("main", Assert.Single(json.RootElement.EnumerateArray()).GetProperty("source").GetString());
        home.Environment["HF_HUB_OFFLINE"] = "1";
        Assert.Equal(0, (await home.RunAsync("pull", Name)).ExitCode);
        Assert.Equal(1, (await home.RunAsync("pull", Name + "@v1")).ExitCode);
    }

    private static async Task<string> ServedAsync(HubHome home)
    {
        await using var run = home.Start("up", "--model", Name, "--precision", "fp32", "--port", "0", "--grpc-port", "0");
        await run.LineAsync("  model ");
        await run.InterruptAsync();
        Assert.Equal(0, await run.EndAsync());
        return run.Text;
    }

    private static Task<(int ExitCode, string Text)> ImportAsync(HubHome home, string package) =>
        home.RunAsync("import", Name, Path.Combine(home.Folder, package), "--precision", "fp32");

    private static string? Revision(HubHome home, string package)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(home.Folder, package, "parley.json")));
        return json.RootElement.GetProperty("sourceRevision").GetString();
    }
}
