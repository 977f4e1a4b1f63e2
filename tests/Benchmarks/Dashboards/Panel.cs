using System.Text.Json;

namespace Parley.Benchmarks.Dashboards;

/// <summary>What a picture shows of a panel of Grafana's dashboard JSON; the place is in Grafana's grid of 24 columns.</summary>
internal sealed record Panel(string Type, string Title, int X, int Y, int Width, int Height)
{
    private const string RateInterval = "15s";

    public string Unit { get; private init; } = "short";

    public double? Max { get; private init; }

    public bool Stacked { get; private init; }

    /// <summary>Values at which a line is drawn, with their colours.</summary>
    public IReadOnlyList<(double Value, string Color)> Thresholds { get; private init; } = [];

    /// <summary>PromQL with its variables put in, and Grafana's legendFormat.</summary>
    public IReadOnlyList<(string Query, string Legend)> Targets { get; private init; } = [];

    public static Panel Read(JsonElement json)
    {
        var place = json.GetProperty("gridPos");
        var defaults = Child(Child(json, "fieldConfig"), "defaults");
        var custom = Child(defaults, "custom");
        var unit = Child(defaults, "unit") ?? Child(Child(Child(json, "options"), "yAxis"), "unit");
        return new Panel(
            json.GetProperty("type").GetString()!, json.GetProperty("title").GetString()!, place.GetProperty("x").GetInt32(),
            place.GetProperty("y").GetInt32(), place.GetProperty("w").GetInt32(), place.GetProperty("h").GetInt32())
        {
            Unit = unit?.GetString() ?? "short",
            Max = Child(defaults, "max")?.GetDouble(),
            Stacked = Child(Child(custom, "stacking"), "mode")?.GetString() == "normal",
            Thresholds = Child(custom, "thresholdsStyle") is null ? [] : ReadThresholds(Child(Child(defaults, "thresholds"), "steps")),
            Targets = [.. Items(Child(json, "targets")).Select(target => (
                target.GetProperty("expr").GetString()!.Replace("$__rate_interval", RateInterval, StringComparison.Ordinal)
                    .Replace("$model", ".*", StringComparison.Ordinal),
                target.GetProperty("legendFormat").GetString()!))],
        };
    }

    private static List<(double Value, string Color)> ReadThresholds(JsonElement? steps) =>
        [.. Items(steps).Where(step => step.GetProperty("value").ValueKind == JsonValueKind.Number)
            .Select(step => (step.GetProperty("value").GetDouble(), step.GetProperty("color").GetString()!))];

    private static JsonElement? Child(JsonElement? json, string name) =>
        json is { } parent && parent.TryGetProperty(name, out var child) ? child : null;

    private static IEnumerable<JsonElement> Items(JsonElement? json) => json is { } array ? array.EnumerateArray() : [];
}
