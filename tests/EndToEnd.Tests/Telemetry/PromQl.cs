using System.Text.RegularExpressions;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>
/// The metrics that an expression of PromQL names, with the labels that it matches or groups by. It reads the subset of the dashboards and
/// rules here: selectors, aggregations, functions, numbers; a word that it does not know is a metric.
/// </summary>
internal static partial class PromQl
{
    private static readonly HashSet<string> Words =
    [
        "sum", "max", "min", "avg", "by", "without", "on", "rate", "histogram_quantile", "avg_over_time", "deriv", "absent", "vector",
        "or", "and", "unless",
    ];

    public static IReadOnlyList<(string Name, IReadOnlyList<string> Labels)> Read(string expression)
    {
        var found = new List<(string, IReadOnlyList<string>)>();
        // Ranges and text are no names.
        var text = TextPattern().Replace(RangePattern().Replace(expression, ""), "\"\"");
        var grouped = GroupPattern().Matches(text).SelectMany(match => Names(match.Groups[1].Value)).ToList();
        text = GroupPattern().Replace(text, "");
        foreach (Match match in SelectorPattern().Matches(text))
        {
            if (Words.Contains(match.Groups[1].Value))
                continue;
            var matched = MatcherPattern().Matches(match.Groups[3].Value).Select(one => one.Groups[1].Value);
            found.Add((match.Groups[1].Value, [.. matched.Concat(grouped).Distinct()]));
        }

        return found;
    }

    private static string[] Names(string list) =>
        list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    [GeneratedRegex(@"\[[^\]]*\]")]
    private static partial Regex RangePattern();

    [GeneratedRegex(@"""[^""]*""")]
    private static partial Regex TextPattern();

    [GeneratedRegex(@"\b(?:by|without|on)\s*\(([^)]*)\)")]
    private static partial Regex GroupPattern();

    [GeneratedRegex(@"([a-zA-Z_:][a-zA-Z0-9_:]*)(\s*\{([^}]*)\})?")]
    private static partial Regex SelectorPattern();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)")]
    private static partial Regex MatcherPattern();
}
