using System.Globalization;
using System.Text.Json;
using Parley.Cli.Bench.Serve;
using Spectre.Console;

namespace Parley.Cli.Bench.Engine;

/// <summary>The bare steps of a package on a machine.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="BandwidthGigabytesPerSecond">What it reads, measured in this run.</param>
/// <param name="Package">Folder of the package.</param>
/// <param name="Precision">Its precision.</param>
/// <param name="WeightBytes">Bytes of its weights.</param>
/// <param name="Device">Where it ran.</param>
/// <param name="LoadSeconds">From its files to a runner with all buffers.</param>
/// <param name="Load">What was measured.</param>
/// <param name="Steps">The results.</param>
/// <param name="Parts">The decode steps taken apart, where asked for.</param>
internal sealed record EngineReport(
    MachineFacts Machine, double BandwidthGigabytesPerSecond, string Package, string Precision, long WeightBytes, string Device,
    double LoadSeconds, EngineLoad Load, IReadOnlyList<EngineResult> Steps, IReadOnlyList<StepParts> Parts)
{
    public string ToJson() => JsonSerializer.Serialize(this, ServeReport.Json);

    public void Write(IAnsiConsole console)
    {
        console.MarkupLineInterpolated($"[grey]{Machine.ToString()}[/]");
        console.MarkupLineInterpolated(
            $"[grey]reads {BandwidthGigabytesPerSecond:0.0} GB/s; {Precision}, {WeightBytes / 1e6:0} MB of weights[/]");
        console.MarkupLineInterpolated($"[grey]loaded in {LoadSeconds:0.00} s on {Device}[/]");
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "step", "sequences", "tokens", "past", "best", "ms p50", "ms p95", "tok/s", "MB read", "GB/s", "of bandwidth", "bytes/step");
        foreach (var row in Steps)
        {
            table.AddRow(
                row.Kind, Number(row.Sequences), Number(row.Tokens), Number(row.Past), Number(row.LogitBest),
                Number(row.StepP50Ms), Number(row.StepP95Ms),
                Number(row.TokensPerSecond), Number(row.ReadMegabytes), Number(row.GigabytesPerSecond),
                Number(row.BandwidthShare * 100) + " %", Number(row.AllocatedBytesPerStep));
        }

        console.Write(table);
        if (Parts.Count > 0)
            WriteParts(console);
    }

    private void WriteParts(IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "decode, ms", "past", "attention", "linears", "experts", "head", "norms", "embedding", "other nodes",
            "between nodes", "step", "sampling");
        foreach (var row in Parts)
        {
            table.AddRow(
                Number(row.Sequences), Number(row.Past), Number(row.AttentionMs), Number(row.LinearsMs), Number(row.ExpertsMs),
                Number(row.HeadMs), Number(row.NormsMs), Number(row.EmbeddingMs), Number(row.OtherNodesMs), Number(row.BetweenNodesMs),
                Number(row.StepMs), Number(row.SamplingMs));
        }

        console.Write(table);
    }

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
