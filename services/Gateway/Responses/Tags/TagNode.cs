using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Tags;

/// <summary>The elements of a structural tag, as vLLM and xgrammar write them.</summary>
internal static class TagNode
{
    public static JsonObject Text(string text) => new() { ["type"] = "const_string", ["value"] = text };

    public static JsonObject Schema(JsonNode schema) => new() { ["type"] = "json_schema", ["json_schema"] = Own(schema) };

    public static JsonObject Pattern(string pattern) => new() { ["type"] = "regex", ["pattern"] = pattern };

    /// <summary>Any text, up to what ends the tag around it or to the answer's end.</summary>
    public static JsonObject AnyText() => new() { ["type"] = "any_text" };

    /// <summary>One behind the other; texts that meet become one.</summary>
    public static JsonObject Sequence(params IEnumerable<JsonObject> elements)
    {
        var joined = new List<JsonObject>();
        foreach (var element in elements.SelectMany(Flat))
        {
            if (ValueOf(element) is not { } text)
                joined.Add(element);
            else if (joined.Count > 0 && ValueOf(joined[^1]) is { } before)
                joined[^1] = Text(before + text);
            else if (text.Length > 0)
                joined.Add(element);
        }

        return joined.Count switch
        {
            0 => Text(""),
            1 => joined[0],
            _ => List("sequence", joined),
        };
    }

    public static JsonObject Or(params IReadOnlyList<JsonObject> elements) => elements.Count == 1 ? elements[0] : List("or", elements);

    public static JsonObject Optional(JsonObject content) => new() { ["type"] = "optional", ["content"] = Own(content) };

    public static JsonObject Star(JsonObject content) => new() { ["type"] = "star", ["content"] = Own(content) };

    /// <summary>So many times; no most is any number.</summary>
    public static JsonObject Repeat(JsonObject content, int least, int? most)
    {
        if (most is null)
            return least == 0 ? Star(content) : Sequence(Repeat(content, least, least), Star(content));
        return new JsonObject { ["type"] = "repeat", ["min"] = least, ["max"] = most, ["content"] = Own(content) };
    }

    public static JsonObject Tag(string begin, JsonObject content, string end) =>
        new() { ["type"] = "tag", ["begin"] = begin, ["content"] = Own(content), ["end"] = end };

    /// <summary>Free text in which nothing but these tags may follow a trigger.</summary>
    public static JsonObject Triggered(IEnumerable<string> triggers, IEnumerable<JsonObject> tags, bool single) => new()
    {
        ["type"] = "triggered_tags",
        ["triggers"] = new JsonArray([.. triggers.Select(trigger => (JsonNode)trigger)]),
        ["tags"] = Items(tags),
        ["at_least_one"] = false,
        ["stop_after_first"] = single,
    };

    /// <summary>At least one of these tags, and others behind it.</summary>
    public static JsonObject Separated(IEnumerable<JsonObject> tags, string separator) => new()
    {
        ["type"] = "tags_with_separator",
        ["tags"] = Items(tags),
        ["separator"] = separator,
        ["at_least_one"] = true,
        ["stop_after_first"] = false,
    };

    /// <summary>The text of an element that is one; else null.</summary>
    public static string? ValueOf(JsonObject element) => (string?)element["type"] == "const_string" ? (string?)element["value"] : null;

    private static IEnumerable<JsonObject> Flat(JsonObject element) => (string?)element["type"] == "sequence"
        ? element["elements"]!.AsArray().Select(inner => inner!.AsObject()) : [element];

    private static JsonObject List(string type, IEnumerable<JsonObject> elements) =>
        new() { ["type"] = type, ["elements"] = Items(elements) };

    private static JsonArray Items(IEnumerable<JsonObject> elements) => new([.. elements.Select(Own)]);

    /// <summary>A node has one place; what stands elsewhere already is copied.</summary>
    private static JsonNode Own(JsonNode node) => node.Parent is null ? node : node.DeepClone();
}
