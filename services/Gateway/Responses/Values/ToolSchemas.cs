using System.Numerics;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Values;

/// <summary>
/// What a request's tools say of their arguments: many formats write every argument as text, and the tool's schema says what it was. The
/// rules are those of transformers.
/// </summary>
internal sealed class ToolSchemas
{
    private readonly Dictionary<string, JsonObject> _properties = new(StringComparer.Ordinal);

    public static ToolSchemas None { get; } = new([]);

    /// <param name="tools">
    /// Each <c>{"type": "function", "function": {…}}</c>, or the function alone; what is neither counts for nothing.
    /// </param>
    public ToolSchemas(IEnumerable<JsonNode?> tools)
    {
        foreach (var tool in tools.OfType<JsonObject>())
        {
            var function = tool.ContainsKey("function") ? tool["function"] as JsonObject : tool;
            if (PythonTruth.Text(function?["name"]) is { } name)
                _properties[name] = (function!["parameters"] as JsonObject)?["properties"] as JsonObject ?? [];
        }
    }

    /// <summary>There are no tools.</summary>
    public bool IsEmpty => _properties.Count == 0;

    /// <summary>Whether a function was offered.</summary>
    public bool Knows(string function) => _properties.ContainsKey(function);

    /// <summary>The types that an argument may have, in their order; empty where nothing is said.</summary>
    public IReadOnlyList<string> TypesOf(string function, string argument) =>
        _properties.TryGetValue(function, out var properties) && properties.TryGetPropertyValue(argument, out var schema)
            ? Types(schema) : [];

    /// <summary>A call, or a list of calls, with arguments that are texts made what their schemas say.</summary>
    public JsonNode? Cast(JsonNode? value)
    {
        if (value is JsonArray list)
        {
            for (var index = 0; index < list.Count; index++)
            {
                var before = list[index];
                if (Cast(before) is var after && !ReferenceEquals(before, after))
                    list[index] = after;
            }

            return list;
        }

        if ((value as JsonObject)?["function"] is not JsonObject function || PythonTruth.Text(function["name"]) is not { } name
            || function["arguments"] is not JsonObject arguments || !_properties.TryGetValue(name, out _))
        {
            return value;
        }

        foreach (var key in arguments.Select(argument => argument.Key).ToArray())
        {
            if (TypesOf(name, key) is { Count: > 0 } types)
                CastOne(arguments, key, types);
        }

        return value;
    }

    /// <summary>A text as the first of some types that it is; else the text.</summary>
    public static JsonNode? Cast(string raw, IReadOnlyList<string> types)
    {
        foreach (var type in types)
        {
            switch (type)
            {
                case "integer" when TryWhole(raw, out var whole):
                    return PythonJson.Number(whole);
                case "number" when PythonText.TryFloat(raw, out var number) && double.IsFinite(number):
                    return double.IsInteger(number) && !raw.Contains('.')
                        ? PythonJson.Number(new BigInteger(number)) : JsonValue.Create(number);
                case "boolean" when PythonText.Strip(raw).ToLowerInvariant() is "true" or "1" or "false" or "0":
                    return JsonValue.Create(PythonText.Strip(raw).ToLowerInvariant() is "true" or "1");
                case "null" when PythonText.Strip(raw) is "null" or "None":
                    return null;
                case "object" or "array" when Decoded(raw, type == "object") is { } decoded:
                    return decoded;
            }
        }

        return JsonValue.Create(raw);
    }

    private static void CastOne(JsonObject arguments, string key, IReadOnlyList<string> types)
    {
        var argument = arguments[key];
        if (PythonTruth.Text(argument) is { } raw)
        {
            arguments[key] = Cast(raw, types);
        }
        else if (argument is JsonArray list && !types.Contains("array"))
        {
            // Values of one key that came several times.
            for (var index = 0; index < list.Count; index++)
            {
                if (PythonTruth.Text(list[index]) is { } item)
                    list[index] = Cast(item, types);
            }
        }
    }

    private static bool TryWhole(string raw, out BigInteger value)
    {
        if (PythonText.TryInteger(raw, out value))
            return true;
        if (!PythonText.TryFloat(raw, out var number) || !double.IsInteger(number))
            return false;
        value = new BigInteger(number);
        return true;
    }

    private static JsonNode? Decoded(string raw, bool isObject)
    {
        try
        {
            return PythonJson.Parse(raw) is { } node && (isObject ? node is JsonObject : node is JsonArray) ? node : null;
        }
        catch (ResponseFormatException)
        {
            return null;
        }
    }

    /// <summary>The types that a schema names, in their order.</summary>
    public static IReadOnlyList<string> TypesOf(JsonNode? schema) => Types(schema);

    private static List<string> Types(JsonNode? schema)
    {
        var types = new List<string>();
        if (schema is not JsonObject node)
            return types;
        if (PythonTruth.Text(node["type"]) is { } declared)
            types.Add(declared);
        else if (node["type"] is JsonArray several)
            types.AddRange(several.Select(PythonTruth.Text).OfType<string>());
        foreach (var union in (string[])["anyOf", "oneOf"])
        {
            foreach (var choice in node[union] as JsonArray ?? [])
                types.AddRange(Types(choice));
        }

        if (PythonTruth.IsTrue(node["nullable"]) && !types.Contains("null"))
            types.Add("null");
        return types;
    }
}
