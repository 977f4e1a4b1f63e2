using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Answers;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Tags;

/// <summary>
/// Arguments between texts of their own, strings as they are and anything else as JSON: the reader makes of a text what the schema's types
/// say, so a schema is enforced where nothing else can come of what is written.
/// </summary>
/// <param name="tags">Before a key, between key and value, behind a value.</param>
/// <param name="function">Whose arguments.</param>
/// <param name="format">For the words of a refusal.</param>
internal sealed class TaggedArguments((string Before, string Middle, string After) tags, ToolFunction function, string format)
{
    private static readonly string[] Typed = ["type", "anyOf", "oneOf"];

    private readonly JsonObject _root = function.Parameters ?? [];

    /// <exception cref="TagException">They cannot be enforced in this notation.</exception>
    public JsonObject Write() => ParameterList.Read(_root, (place, message) => Fault(place, message)).Row(Argument, "");

    private JsonObject Argument(string name, JsonNode? schema)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAny("<>\n"))
            throw Fault($".properties.{name}", "has a name that cannot be written");
        TagException Refuse(string message) => Fault($".properties.{name}", message);
        var begin = tags.Before + name + tags.Middle;
        var types = ToolSchemas.TypesOf(schema);
        var resolved = SchemaPart.Resolved(schema, _root, Refuse);
        var node = resolved as JsonObject ?? [];
        if (Constants(node) is { } constants)
            return Between(begin, TagNode.Or([.. constants.Select(constant => Constant(constant, types, Refuse))]));
        if (types.Count > 0 && !types.Contains("string"))
        {
            if (types.Contains("boolean") && (types.Contains("integer") || types.Contains("number")))
                throw Refuse("may be a boolean or a number, which cannot be told apart in this notation");
            return Between(begin, TagNode.Schema(SchemaPart.Alone(schema, _root, Refuse)));
        }

        // A reference that is not followed by the reader, and a schema without types, leave the text that is written.
        if (types.Count == 0 && ToolSchemas.TypesOf(resolved) is { Count: > 0 } behind && !behind.All(type => type == "string"))
            throw Refuse("refers to what is no string, which cannot be read back in this notation");
        if (types.Count > 1 || node.ContainsKey("anyOf") || node.ContainsKey("oneOf"))
            CheckFree(node, Refuse);
        return TagNode.Tag(begin, Text(node, Refuse), tags.After);
    }

    private static List<JsonNode?>? Constants(JsonObject schema) =>
        schema.TryGetPropertyValue("const", out var constant) ? [constant] : schema["enum"] is JsonArray list ? [.. list] : null;

    /// <summary>A value of a list: whatever its text is read as, it is that value.</summary>
    private JsonObject Constant(JsonNode? value, IReadOnlyList<string> types, Func<string, TagException> refuse)
    {
        var text = PythonTruth.Text(value) ?? CallValues.Text(value);
        return JsonNode.DeepEquals(ToolSchemas.Cast(text, types), value) && !text.Contains(tags.After, StringComparison.Ordinal)
            ? TagNode.Text(text) : throw refuse($"may be {CallValues.Text(value)}, which this notation cannot tell from another value");
    }

    /// <summary>Where a text may be read as one of several types, it must not matter which.</summary>
    private static void CheckFree(JsonObject schema, Func<string, TagException> refuse)
    {
        foreach (var (keyword, value) in schema)
        {
            if (keyword is "anyOf" or "oneOf" && value is JsonArray ways)
            {
                foreach (var way in ways.OfType<JsonObject>())
                    CheckFree(way, refuse);
            }
            else if (!Typed.Contains(keyword) && !ParameterList.Notes.Contains(keyword))
            {
                throw refuse($"may be a string or something else, and '{keyword}' cannot be enforced then");
            }
        }
    }

    private static JsonObject Text(JsonObject schema, Func<string, TagException> refuse)
    {
        foreach (var (keyword, _) in schema)
        {
            if (keyword is not ("minLength" or "maxLength") && !Typed.Contains(keyword) && !ParameterList.Notes.Contains(keyword))
                throw refuse($"is a text, and '{keyword}' cannot be enforced for texts in this notation");
        }

        return BoundedTexts.Write(schema);
    }

    private JsonObject Between(string begin, JsonObject content) => TagNode.Tag(begin, content, tags.After);

    private TagException Fault(string place, string message) =>
        new(function.Index, ".function.parameters" + place, $"{message} (the format of calls is {format})");
}
