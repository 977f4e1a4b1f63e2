using System.Text.Json;
using Parley.Cli.Sizing;
using Parley.Cli.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Cli.Tests.Sizing;

/// <summary>Every command in docs/sizing.md gives what stands below it.</summary>
public sealed class SizingDocumentTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Shared.RepositoryRoot, "docs", "sizing.md"));

    public static TheoryData<string> Commands => [.. Lines.Where(line => line.StartsWith("$ parley ", StringComparison.Ordinal))];

    [Fact]
    public void Commands_OfThePage_AreSeveral() => Assert.True(Commands.Count >= 4);

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Command_OfThePage_GivesWhatStandsBelowIt(string command)
    {
        var at = Array.IndexOf(Lines, command);
        var expected = Lines.Skip(at + 1).TakeWhile(line => !line.StartsWith("```", StringComparison.Ordinal)
            && !line.StartsWith("$ ", StringComparison.Ordinal));
        await using var home = await HubHome.StartAsync();

        await using var run = home.Start(command.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2..]);
        await run.EndAsync();

        Assert.Equal(expected, run.Text.TrimEnd().Split('\n').Where(line => line.Length > 0));
    }

    [Fact]
    public async Task Plan_OfAName_FetchesNoWeightsAndKnowsTheBench()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo("org/demo-model");
        var bench = Path.Combine(home.Folder, "bench.json");
        File.WriteAllText(bench, """
            {"steps": [{"kind": "prefill", "sequences": 1, "tokens": 128, "tokens_per_second": 4000},
                       {"kind": "prefill", "sequences": 1, "tokens": 512, "tokens_per_second": 1000},
                       {"kind": "decode", "sequences": 4, "tokens": 4, "tokens_per_second": 50},
                       {"kind": "decode", "sequences": 16, "tokens": 16, "tokens_per_second": 100},
                       {"kind": "decode", "sequences": 64, "tokens": 64, "tokens_per_second": 999}]}
            """);

        await using var run = home.Start("plan", "-m", "org/demo-model", "--rate", "1", "--bench", bench, "--json");

        Assert.Equal(0, await run.EndAsync());
        using var json = JsonDocument.Parse(run.Output);
        // 500 tokens at 1,000 and 200 at 100 a second: the speeds of the nearest prompt, and of as many sequences as run.
        Assert.Equal(2.5, json.RootElement.GetProperty("busy_replicas").GetDouble(), 6);
        Assert.Equal(4, json.RootElement.GetProperty("replicas").GetInt32());
        Assert.Equal(16, json.RootElement.GetProperty("sequences_per_replica").GetInt32());
        Assert.False(home.HasSentWeights());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"steps": []}""")]
    [InlineData("""{"steps": [{"kind": "decode"}]}""")]
    [InlineData("no JSON")]
    public void Bench_ThatIsNone_IsNamed(string text)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            Assert.Contains(path, Assert.Throws<UserErrorException>(() => BenchFigures.Read(path, 16, 500)).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
