using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Templates;

/// <summary>
/// A field's <c>transform</c>: a JSON value in which a text that is one placeholder as a whole (<c>{content}</c>, <c>{content.name}</c>,
/// a capture) stands for what was read.
/// </summary>
internal static class ResponseTransform
{
    /// <summary>The names of a placeholder; null where a text is none.</summary>
    public static string[]? Placeholder(string text) =>
        text.Length > 2 && text[0] == '{' && text[^1] == '}' && IsPath(text.AsSpan(1, text.Length - 2)) ? text[1..^1].Split('.') : null;

    /// <exception cref="ResponseFormatException">A text mixes a placeholder with something else.</exception>
    public static void Check(string scope, JsonNode? transform)
    {
        switch (transform)
        {
            case JsonObject node:
                foreach (var (_, value) in node)
                    Check(scope, value);
                break;
            case JsonArray list:
                foreach (var value in list)
                    Check(scope, value);
                break;
            default:
                if (PythonTruth.Text(transform) is { } text && Placeholder(text) is null && HoldsPlaceholder(text))
                    throw new ResponseFormatException($"{scope}: transform mixes a placeholder with other text in '{text}'");
                break;
        }
    }

    /// <summary>The value of a region.</summary>
    /// <param name="field">Has a transform, or its content is the value.</param>
    /// <param name="content">What its parser read.</param>
    /// <param name="captures">What the opening delimiter captured.</param>
    /// <exception cref="ResponseFormatException">A placeholder stands for nothing, or the content is no list.</exception>
    public static JsonNode? Apply(ResponseField field, JsonNode? content, IReadOnlyDictionary<string, string> captures)
    {
        if (field.Transform is null)
            return content;
        var scope = captures.ToDictionary(one => one.Key, one => (JsonNode?)JsonValue.Create(one.Value), StringComparer.Ordinal);
        if (!field.TransformsEach)
        {
            scope["content"] = content;
            return Build(field.Transform, scope);
        }

        if (content is not JsonArray list)
            throw new ResponseFormatException($"field '{field.Name}': transform_each needs a list");
        var built = new JsonArray();
        foreach (var element in list)
        {
            if (element is not JsonObject node)
                throw new ResponseFormatException($"field '{field.Name}': transform_each needs objects in its list");
            var inner = new Dictionary<string, JsonNode?>(scope, StringComparer.Ordinal);
            foreach (var (key, value) in node)
                inner[key] = value;
            built.Add(Build(field.Transform, inner));
        }

        return built;
    }

    private static JsonNode? Build(JsonNode? transform, Dictionary<string, JsonNode?> scope)
    {
        switch (transform)
        {
            case JsonObject node:
                var result = new JsonObject();
                foreach (var (key, value) in node)
                    result[key] = Build(value, scope);
                return result;
            case JsonArray list:
                return new JsonArray([.. list.Select(value => Build(value, scope))]);
            default:
                return PythonTruth.Text(transform) is { } text && Placeholder(text) is { } path
                    ? Find(path, scope)?.DeepClone() : transform?.DeepClone();
        }
    }

    private static JsonNode? Find(string[] path, Dictionary<string, JsonNode?> scope)
    {
        if (!scope.TryGetValue(path[0], out var value))
            throw new ResponseFormatException($"transform: there is no '{path[0]}'");
        foreach (var key in path.Skip(1))
        {
            if (value is not JsonObject node || !node.TryGetPropertyValue(key, out value))
                throw new ResponseFormatException($"transform: there is no '{string.Join('.', path)}'");
        }

        return value;
    }

    private static bool HoldsPlaceholder(string text)
    {
        for (var open = text.IndexOf('{'); open >= 0; open = text.IndexOf('{', open + 1))
        {
            var close = text.IndexOf('}', open);
            if (close > open + 1 && IsPath(text.AsSpan(open + 1, close - open - 1)))
                return true;
        }

        return false;
    }

    private static bool IsPath(ReadOnlySpan<char> path)
    {
        foreach (var part in path.Split('.'))
        {
            if (path[part].IsEmpty)
                return false;
            foreach (var rune in path[part].EnumerateRunes())
            {
                if (!Patterns.CharacterSet.Word.Holds(rune.Value))
                    return false;
            }
        }

        return true;
    }
}
