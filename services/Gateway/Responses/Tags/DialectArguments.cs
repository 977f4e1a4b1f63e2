using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Answers;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Tags;

/// <summary>Arguments as JSON whose keys have no quotes and whose strings stand between marks, down to the last value.</summary>
/// <param name="mark">Around a string.</param>
/// <param name="function">Whose arguments.</param>
/// <param name="format">For the words of a refusal.</param>
internal sealed class DialectArguments(string mark, ToolFunction function, string format)
{
    private const int DepthMax = 16;
    private const int ElementsMax = 4096;

    private readonly JsonObject _root = function.Parameters ?? [];
    private int _elements;

    /// <exception cref="TagException">They cannot be enforced in this notation.</exception>
    public JsonObject Write() => Members(_root, "", 0);

    private JsonObject Members(JsonObject schema, string place, int depth) => TagNode.Sequence(
        TagNode.Text("{"),
        ParameterList.Read(schema, (inner, message) => Fault(place + inner, message))
            .Row((name, value) => Member(name, value, $"{place}.properties.{name}", depth + 1), ","),
        TagNode.Text("}"));

    private JsonObject Member(string name, JsonNode? schema, string place, int depth)
    {
        if (name.Length == 0 || !name.All(one => char.IsLetterOrDigit(one) || one == '_'))
            throw Fault(place, "has a name that cannot be written");
        return TagNode.Sequence(TagNode.Text(name + ":"), Value(schema, place, depth));
    }

    private JsonObject Value(JsonNode? given, string place, int depth)
    {
        if (depth > DepthMax || ++_elements > ElementsMax)
            throw Fault(place, "goes deeper, or is larger, than can be enforced");
        if (SchemaPart.Resolved(given, _root, message => Fault(place, message)) is not JsonObject schema)
            throw Fault(place, "must say what it is to be enforced");
        if (schema.TryGetPropertyValue("const", out var constant))
            return Constant(constant, place);
        if (schema["enum"] is JsonArray list)
            return TagNode.Or([.. list.Select(one => Constant(one, place))]);
        if (schema["anyOf"] is JsonArray ways)
        {
            Check(schema, place, "anyOf");
            return TagNode.Or([.. ways.Select((way, index) => Value(way, $"{place}.anyOf[{index}]", depth + 1))]);
        }

        if (schema["type"] is JsonArray types)
        {
            Check(schema, place, "type");
            return TagNode.Or([.. types.Select(type => Value(new JsonObject { ["type"] = type?.DeepClone() }, place, depth + 1))]);
        }

        switch (PythonTruth.Text(schema["type"]))
        {
            case "string":
                Check(schema, place, "type", "minLength", "maxLength");
                return TagNode.Tag(mark, BoundedTexts.Write(schema), mark);
            case "integer" or "number" or "boolean" or "null":
                return TagNode.Schema(SchemaPart.Alone(schema, _root, message => Fault(place, message)));
            case "object":
                return Members(schema, place, depth);
            case "array" when schema["items"] is { } items:
                Check(schema, place, "type", "items", "minItems", "maxItems");
                return Items(Value(items, place + ".items", depth + 1), Count(schema["minItems"]) ?? 0, Count(schema["maxItems"]));
            default:
                throw Fault(place, "must have a type, and items where that is 'array', to be enforced");
        }
    }

    private static JsonObject Items(JsonObject item, int least, int? most)
    {
        var further = TagNode.Repeat(
            TagNode.Sequence(TagNode.Text(","), item), Math.Max(least - 1, 0), most is { } count ? Math.Max(count - 1, 0) : null);
        var all = most == 0 ? TagNode.Text("")
            : least == 0 ? TagNode.Optional(TagNode.Sequence(item, further)) : TagNode.Sequence(item, further);
        return TagNode.Sequence(TagNode.Text("["), all, TagNode.Text("]"));
    }

    private JsonObject Constant(JsonNode? value, string place)
    {
        if (PythonTruth.Text(value) is not { } text)
        {
            return value is JsonObject or JsonArray ? throw Fault(place, "lists what is no single value")
                : TagNode.Text(CallValues.Text(value));
        }

        return text.Contains(mark, StringComparison.Ordinal) ? throw Fault(place, $"lists a text that holds {mark}")
            : TagNode.Text(mark + text + mark);
    }

    private void Check(JsonObject schema, string place, params ReadOnlySpan<string> known)
    {
        foreach (var (keyword, _) in schema)
        {
            if (!known.Contains(keyword) && !ParameterList.Notes.Contains(keyword))
                throw Fault($"{place}.{keyword}", "is a keyword that cannot be enforced");
        }
    }

    private static int? Count(JsonNode? node) => node is JsonValue value && value.TryGetValue(out double number) && number is >= 0 and < 1e6
        ? (int)number : null;

    private TagException Fault(string place, string message) =>
        new(function.Index, ".function.parameters" + place, $"{message} (the format of calls is {format})");
}
