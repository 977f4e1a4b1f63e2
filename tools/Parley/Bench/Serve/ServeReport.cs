using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Parley.Cli.Bench.Serve;

/// <summary>The results of a load: as JSON with all that they follow from, or as a table.</summary>
/// <param name="Machine">Where the load generator ran; the server's machine too, where the address is a local one.</param>
/// <param name="StartedAt">When.</param>
/// <param name="Options">What was asked for.</param>
/// <param name="Levels">What it gave.</param>
internal sealed record ServeReport(MachineFacts Machine, DateTimeOffset StartedAt, ServeOptions Options, IReadOnlyList<LevelResult> Levels)
{
    public static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public void Write(IAnsiConsole console)
    {
        console.MarkupLineInterpolated($"[grey]{Machine.ToString()}[/]");
        var open = Options.RequestsPerSecond.Count > 0;
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            open ? "req/s" : "streams", "done", "failed", "prompt\ncached", "tok/s", "steady tok/s", "per stream",
            "TTFT ms\np50 / p95 / p99", "pause ms\np50 / p95 / p99", "request ms\np50 / p99", "client\nµs/token");
        if (Options.ServerProcessIds.Count > 0)
            table.AddColumn("server\nµs/token");
        if (Options.Targets.AreSet)
            table.AddColumns("good", "good/s");
        foreach (var level in Levels)
        {
            var cells = new List<string>
            {
                open ? Number(level.RequestsPerSecond) : Number(level.Streams),
                Number(level.Completed),
                Number(level.Failed),
                $"{PerRequest(level.PromptTokens, level)}\n{PerRequest(level.CachedTokens, level)}",
                Number(level.TokensPerSecond),
                Number(level.SteadyTokensPerSecond),
                Number(level.TokensPerSecondPerStream),
                $"{Number(level.FirstToken.P50Ms)} / {Number(level.FirstToken.P95Ms)} / {Number(level.FirstToken.P99Ms)}",
                $"{Number(level.InterToken.P50Ms)} / {Number(level.InterToken.P95Ms)} / {Number(level.InterToken.P99Ms)}",
                $"{Number(level.Request.P50Ms)} / {Number(level.Request.P99Ms)}",
                Number(level.ClientMicrosecondsPerToken),
            };
            if (level.ServerMicrosecondsPerToken is { } server)
                cells.Add(Number(server));
            if (level is { GoodShare: { } share, GoodRequestsPerSecond: { } rate })
                cells.AddRange([Number(share * 100) + " %", Number(rate)]);
            table.AddRow([.. cells]);
        }

        console.Write(table);
        foreach (var level in Levels)
        {
            foreach (var (kind, count) in level.Failures)
                console.MarkupLineInterpolated($"[yellow]{(open ? level.RequestsPerSecond : level.Streams)}: {count} × {kind}[/]");
        }
    }

    /// <summary>Tokens of a prompt, as the server counted them.</summary>
    private static string PerRequest(long tokens, LevelResult level) => Number((double)tokens / Math.Max(1, level.Completed));

    private static string Number(double value) => value.ToString(value < 10 ? "0.##" : "0.#", CultureInfo.InvariantCulture);
}
