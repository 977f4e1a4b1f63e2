using System.Text.Json.Nodes;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>Values to try a field with: of every kind, and on both sides of each border that its schema names.</summary>
internal static class SampleValues
{
    private const int ItemsMax = 300;

    private static readonly string[] OfAnyKind =
        ["true", "false", "0", "1", "-1", "0.5", "\"x\"", "\"\"", "[]", "{}", "[\"x\"]", "[1]", "{\"x\":1}"];

    /// <summary>What the schema takes for its form, and the server judges by more than that.</summary>
    private static readonly (string Name, string[] Values)[] JudgedByMore =
    [
        // Served names, and responses that are kept.
        ("model", ["\"x\""]), ("name", ["\"x\""]), ("previous_response_id", ["\"x\""]), ("context", ["[1]"]),
        // Other fields of the request.
        ("max_tokens", ["0"]), ("best_of", ["2"]), ("input", ["[]"]),
        // What a text holds.
        ("prompt", ["\"\""]), ("json_schema", ["\"x\""]), ("guided_json", ["\"x\""]), ("structural_tag", ["\"x\"", "{\"x\":1}"]),
    ];

    public static IEnumerable<string> Of(JsonNode schema) => OfAnyKind.Concat(Borders(schema)).Distinct();

    public static bool IsJudgedByMore(string name, string value) =>
        JudgedByMore.Any(one => one.Name == FieldAliases.SettingOf(name) && one.Values.Contains(value));

    private static IEnumerable<string> Borders(JsonNode schema)
    {
        foreach (var inner in schema["anyOf"] as JsonArray ?? [])
        {
            foreach (var value in Borders(inner!))
                yield return value;
        }

        var step = TypeOf(schema) == "integer" ? 1m : 0.0625m;
        foreach (var key in (string[])["minimum", "maximum", "exclusiveMinimum"])
        {
            if (schema[key] is not { } border)
                continue;
            var at = decimal.Parse(border.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture);
            yield return Text(at);
            yield return Text(at - step);
            yield return Text(at + step);
        }

        foreach (var (length, key) in ((string[])["maxLength", "maxItems"]).Select(key => ((int?)schema[key], key)))
        {
            if (length is not { } most || most > ItemsMax)
                continue;
            foreach (var count in (int[])[most, most + 1])
                yield return key == "maxLength" ? $"\"{new string('x', count)}\"" : ListOf(schema["items"]!, count);
        }

        foreach (var word in schema["enum"] as JsonArray ?? [])
            yield return word?.ToJsonString() ?? "null";
    }

    private static string ListOf(JsonNode items, int count) => $"[{string.Join(',', Enumerable.Repeat(Item(items), count))}]";

    private static string Item(JsonNode items) => (string?)items["$ref"] switch
    {
        { } tool when tool.EndsWith("/Tool", StringComparison.Ordinal) => """{"type":"function","function":{"name":"f"}}""",
        _ when TypeOf(items) == "string" => "\"x\"",
        _ => "1",
    };

    private static string? TypeOf(JsonNode schema) => schema["type"] switch
    {
        JsonArray several => (string?)several[0],
        { } one => (string?)one,
        null => null,
    };

    private static string Text(decimal number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
