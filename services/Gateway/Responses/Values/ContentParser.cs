using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Patterns;

namespace Parley.Gateway.Responses.Values;

/// <summary>
/// What the text of a region means: one of the kinds that a field's <c>content</c> may name, with its <c>content_args</c>.
/// </summary>
internal sealed class ContentParser(string kind, JsonNode? arguments)
{
    private const string PythonCallsKind = "python-calls";

    private static readonly string[] Kinds = ["text", "int", "float", "bool", "json", "xml-inline", "kv-lines"];

    private readonly JsonObject? _arguments = arguments as JsonObject;

    public string Kind => kind;

    /// <summary>The value is the text itself; else a value is there at the region's end only.</summary>
    public bool IsStreamed => kind is "text" or "int" or "float" or "bool";

    /// <summary>White space at both ends is no part of it.</summary>
    public bool Strips => _arguments is null || !_arguments.TryGetPropertyValue("strip", out var strip) || PythonTruth.IsTrue(strip);

    /// <summary>The pattern of one value, where values come one by one and mean what stands there; else null.</summary>
    public Pattern? TagPattern
    {
        get
        {
            if (kind != "xml-inline" || _arguments is null || _arguments["value_parser"] is not null
                || PythonTruth.IsTrue(_arguments["merge_duplicates"]) || PythonTruth.Text(_arguments["tag_pattern"]) is not { } text)
            {
                return null;
            }

            try
            {
                var pattern = Pattern.Parse(text);
                return !pattern.HasReferences && pattern.Names.Contains("key") && pattern.Names.Contains("value") ? pattern : null;
            }
            catch (PatternException)
            {
                // Whoever parses a region by it says why.
                return null;
            }
        }
    }

    /// <summary>JSON as the standard has it, without a dialect of strings or keys.</summary>
    public bool IsPlainJson => kind == "json" && _arguments is null or { Count: 0 };

    /// <param name="kind">The name of a kind.</param>
    /// <param name="isOurs">A description of ours may use one that transformers does not know.</param>
    public static bool IsKnown(string kind, bool isOurs = false) => Kinds.Contains(kind) || (isOurs && kind == PythonCallsKind);

    /// <exception cref="ResponseFormatException">The text is none of its kind.</exception>
    /// <exception cref="PatternException">A pattern among the arguments is none, or costs too much.</exception>
    public JsonNode? Parse(string text, PatternBudget budget)
    {
        if (_arguments is null)
            throw new ResponseFormatException("content_args must be an object");
        switch (kind)
        {
            case "text":
                return JsonValue.Create(Text(text));
            case "int":
                return PythonText.TryInteger(Text(text), out var whole)
                    ? PythonJson.Number(whole) : throw new ResponseFormatException("a whole number is expected");
            case "float":
                return PythonText.TryFloat(Text(text), out var number)
                    ? JsonValue.Create(number) : throw new ResponseFormatException("a number is expected");
            case "bool":
                return JsonValue.Create(Text(text).ToLowerInvariant() is "true" or "1");
            case "json":
                return new JsonDialect(_arguments).Parse(text, Text);
            case PythonCallsKind:
                return PythonCalls.Parse(text);
            case "xml-inline":
                return ParseTags(text, budget);
            default:
                return ParseLines(text, budget);
        }
    }

    private string Text(string text) => Strips ? PythonText.Strip(text) : text;

    private JsonObject ParseTags(string text, PatternBudget budget)
    {
        var pattern = PythonTruth.Text(_arguments!["tag_pattern"])
            ?? throw new ResponseFormatException("xml-inline needs a tag_pattern");
        var compiled = Pattern.Parse(pattern);
        var merges = PythonTruth.IsTrue(_arguments["merge_duplicates"]);
        var result = new JsonObject();
        foreach (var match in PatternFinder.FindAll(compiled, text, budget))
        {
            var key = (compiled.Names.Contains("key") ? compiled.Captured("key", match, text) : null)
                ?? throw new ResponseFormatException("tag_pattern must have a group named key");
            var value = compiled.Names.Contains("value") ? Inner(compiled.Captured("value", match, text), budget) : Inner("", budget);
            if (!merges || !result.TryGetPropertyValue(key, out var before))
                result[key] = value;
            else if (before is JsonArray list)
                list.Add(value);
            else
                result[key] = new JsonArray(before?.DeepClone(), value);
        }

        return result;
    }

    private JsonObject ParseLines(string text, PatternBudget budget)
    {
        var result = new JsonObject();
        foreach (var raw in text.Split(Separator("line_sep", "\n")))
        {
            var line = Text(raw);
            var separator = Separator("kv_sep", ":");
            var at = line.IndexOf(separator, StringComparison.Ordinal);
            if (line.Length > 0 && at >= 0)
                result[Text(line[..at])] = Inner(Text(line[(at + separator.Length)..]), budget);
        }

        return result;
    }

    private string Separator(string name, string usual)
    {
        if (!_arguments!.TryGetPropertyValue(name, out var given))
            return usual;
        return PythonTruth.Text(given) is { Length: > 0 } text ? text : throw new ResponseFormatException($"{name} must be a text");
    }

    /// <summary>A value within a region: as it stands, or through a parser of its own.</summary>
    private JsonNode? Inner(string? raw, PatternBudget budget)
    {
        if (_arguments!["value_parser"] is not { } given)
            return raw is null ? null : JsonValue.Create(raw);
        if (given is not JsonObject parser || raw is null)
            throw new ResponseFormatException("a value cannot be read by its value_parser");
        var name = parser.TryGetPropertyValue("name", out var named) ? PythonTruth.Text(named) : "text";
        if (name is null || !IsKnown(name))
            throw new ResponseFormatException("value_parser.name is none of the parsers");
        return new ContentParser(name, parser.TryGetPropertyValue("args", out var inner) ? inner : new JsonObject()).Parse(raw, budget);
    }
}
