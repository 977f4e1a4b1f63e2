using System.Text.RegularExpressions;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>Prometheus' text format, as far as names and labels go.</summary>
internal sealed partial class Exposition
{
    private readonly List<(string Name, Dictionary<string, string> Labels)> _series = [];

    public IReadOnlySet<string> Names => _series.Select(series => series.Name).ToHashSet();

    /// <summary>Label sets of a name.</summary>
    public IEnumerable<IReadOnlyDictionary<string, string>> SeriesOf(string name) =>
        _series.Where(series => series.Name == name).Select(series => series.Labels);

    public static Exposition Parse(string text)
    {
        var exposition = new Exposition();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#')))
        {
            var match = SeriesPattern().Match(line);
            Assert.True(match.Success, line);
            exposition._series.Add((match.Groups["name"].Value, LabelPattern().Matches(match.Groups["labels"].Value)
                .ToDictionary(label => label.Groups[1].Value, label => label.Groups[2].Value)));
        }

        return exposition;
    }

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?$")]
    private static partial Regex SeriesPattern();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)=""((?:\\.|[^""\\])*)""")]
    private static partial Regex LabelPattern();
}
