using System.Text.RegularExpressions;

namespace Parley.Benchmarks.Dashboards;

/// <summary>One line of a panel.</summary>
/// <param name="Labels">What Prometheus gave as labels.</param>
/// <param name="Points">Unix seconds and value, ascending, only finite ones.</param>
internal sealed partial record Series(IReadOnlyDictionary<string, string> Labels, IReadOnlyList<(double Time, double Value)> Points)
{
    /// <param name="legend">Grafana's legendFormat, with labels as <c>{{name}}</c>.</param>
    public string Name(string legend) => LabelPattern().Replace(
        legend, match => Labels.TryGetValue(match.Groups[1].Value, out var value) && value.Length > 0 ? value : $"no {match.Groups[1]}");

    [GeneratedRegex(@"\{\{\s*(\w+)\s*\}\}")]
    private static partial Regex LabelPattern();
}
