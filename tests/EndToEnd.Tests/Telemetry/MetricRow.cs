using System.Globalization;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>What docs/telemetry.md says of one metric.</summary>
internal sealed record MetricRow(string Name, string Kind, string Unit, string Buckets, IReadOnlyList<string> Labels)
{
    /// <summary>Name and bucket sets of the page.</summary>
    public static (IReadOnlyList<MetricRow> Rows, IReadOnlyDictionary<string, double[]> Buckets) ReadPage(string path)
    {
        var cells = File.ReadLines(path).Where(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries)).ToList();
        var rows = cells.Where(row => row.Length == 5 && row[0].StartsWith('`')).Select(row => new MetricRow(
            row[0].Trim('`'), row[1], row[2], row[3],
            [.. row[4].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(label => label.Trim('`'))]));
        var start = cells.FindIndex(row => row is ["Buckets", "Boundaries"]);
        var buckets = cells.Skip(start + 2).TakeWhile(row => row.Length == 2)
            .ToDictionary(row => row[0], row => row[1].Split(' ').Select(Number).ToArray());
        return ([.. rows], buckets);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>As Prometheus' page names it, without the suffixes of a histogram's series.</summary>
    public string PrometheusName => Name.Replace('.', '_') + (Unit == "s" ? "_seconds" : "") + (Kind == "counter" ? "_total" : "");
}
