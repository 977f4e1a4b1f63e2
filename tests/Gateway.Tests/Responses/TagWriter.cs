using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Tests.Responses;

/// <summary>
/// Writes a text that a structural tag allows, by chance: what the mask would let a model write whose logits say nothing. Free text is made
/// of pieces that look like everything a reader might stumble over, but what ends it.
/// </summary>
internal sealed class TagWriter(Random random)
{
    private static readonly string[] Pieces =
    [
        "a", "Köln", " ", "\n", "{", "}", "[", "]", "\"", "\\", ",", ":", "=", "(", ")", "<", ">", "null", "3", "true", "\u00e9", "</",
        "😀", "'",
    ];

    private readonly StringBuilder _text = new();

    public static string Write(JsonObject tag, Random random)
    {
        Assert.Equal("structural_tag", (string?)tag["type"]);
        var writer = new TagWriter(random);
        writer.Add(tag["format"]!.AsObject(), "");
        return writer._text.ToString();
    }

    /// <param name="element">What is written.</param>
    /// <param name="end">What ends the tag around it.</param>
    private void Add(JsonObject element, string end)
    {
        switch ((string)element["type"]!)
        {
            case "const_string":
                _text.Append((string)element["value"]!);
                break;
            case "any_text":
                AddText(end);
                break;
            case "regex":
                AddPattern((string)element["pattern"]!);
                break;
            case "json_schema":
                _text.Append(Instance(element["json_schema"]!.AsObject(), element["json_schema"]!.AsObject())?.ToJsonString() ?? "null");
                break;
            case "sequence":
                foreach (var inner in element["elements"]!.AsArray())
                    Add(inner!.AsObject(), end);
                break;
            case "or":
                Add(Any(element["elements"]!), end);
                break;
            case "optional":
                if (random.Next(2) == 0)
                    Add(element["content"]!.AsObject(), end);
                break;
            case "star":
                Repeat(element, 0, 3, end);
                break;
            case "repeat":
                Repeat(element, (int)element["min"]!, (int)element["max"]!, end);
                break;
            case "tag":
                AddTag(element);
                break;
            case "tags_with_separator":
                for (var count = random.Next(1, 4); count > 0; count--)
                {
                    AddTag(Any(element["tags"]!));
                    _text.Append(count > 1 ? (string)element["separator"]! : "");
                }

                break;
            case "triggered_tags":
                for (var count = random.Next((bool)element["stop_after_first"]! ? 2 : 3); count > 0; count--)
                {
                    _text.Append("some words ");
                    AddTag(Any(element["tags"]!));
                }

                break;
            case var other:
                throw new InvalidOperationException(other);
        }
    }

    private void AddTag(JsonObject tag)
    {
        _text.Append((string)tag["begin"]!);
        Add(tag["content"]!.AsObject(), (string)tag["end"]!);
        _text.Append((string)tag["end"]!);
    }

    private void Repeat(JsonObject element, int least, int most, string end)
    {
        for (var count = random.Next(least, most + 1); count > 0; count--)
            Add(element["content"]!.AsObject(), end);
    }

    private void AddText(string end)
    {
        string text;
        do
        {
            text = string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => Pieces[random.Next(Pieces.Length)]));
        }
        while (end.Length > 0 && (text + end).IndexOf(end, StringComparison.Ordinal) < text.Length);
        _text.Append(text);
    }

    private void AddPattern(string pattern)
    {
        switch (pattern)
        {
            case "\\n{0,2}":
                _text.Append('\n', random.Next(3));
                break;
            case "\\n?":
                _text.Append('\n', random.Next(2));
                break;
            case "[0-9]{1,3}":
                _text.Append(random.Next(1000));
                break;
            case "[^{\\s]":
                _text.Append('x');
                break;
            default:
                var bounds = pattern["[^<]{".Length..^1].Split(',');
                var least = int.Parse(bounds[0], CultureInfo.InvariantCulture);
                var most = bounds[1].Length == 0 ? least + 5 : int.Parse(bounds[1], CultureInfo.InvariantCulture);
                _text.Append(new string([.. Enumerable.Range(0, random.Next(least, most + 1)).Select(_ => "ab \n}>\"é"[random.Next(8)])]));
                break;
        }
    }

    private JsonNode? Instance(JsonNode? given, JsonObject root)
    {
        var schema = given as JsonObject ?? [];
        if ((string?)schema["$ref"] is { } reference)
            return Instance(root["$defs"]![reference["#/$defs/".Length..]], root);
        if (schema["enum"] is JsonArray list)
            return list[random.Next(list.Count)]?.DeepClone();
        if (schema["anyOf"] is JsonArray ways)
            return Instance(ways[random.Next(ways.Count)], root);
        var type = schema["type"] is JsonArray types ? (string?)types[random.Next(types.Count)] : (string?)schema["type"];
        switch (type)
        {
            case "string":
                return Text((int?)schema["minLength"] ?? 0, (int?)schema["maxLength"] ?? 12);
            case "integer":
                return random.Next(-5, 100);
            case "number":
                return random.Next(-50, 50) / 4.0;
            case "boolean":
                return random.Next(2) == 0;
            case "null":
                return null;
            case "array":
                var most = (int?)schema["maxItems"] ?? 3;
                return new JsonArray([.. Enumerable.Range(0, random.Next((int?)schema["minItems"] ?? 0, most + 1))
                    .Select(_ => Instance(schema["items"], root))]);
            default:
                var node = new JsonObject();
                foreach (var (name, inner) in schema["properties"] as JsonObject ?? [])
                {
                    if (schema["required"] is JsonArray required && required.Any(one => (string?)one == name) || random.Next(2) == 0)
                        node[name] = Instance(inner, root);
                }

                return node;
        }
    }

    private string Text(int least, int most)
    {
        string text;
        do
        {
            text = string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => Pieces[random.Next(Pieces.Length)]));
        }
        while (text.EnumerateRunes().Count() is var length && (length < least || length > most));
        return text;
    }

    private JsonObject Any(JsonNode list) => list.AsArray()[random.Next(list.AsArray().Count)]!.AsObject();
}
