using System.Text.Json.Nodes;

namespace Parley.Gateway.ApiDescription;

/// <summary>JSON schemas (draft 2020-12, as OpenAPI 3.1 has them) in the few forms that occur here.</summary>
internal static class Shape
{
    public const decimal UnsignedMax = uint.MaxValue;

    public static JsonObject Any() => [];

    public static JsonObject Flag() => new() { ["type"] = "boolean" };

    /// <summary>A text; where words are given, one of them.</summary>
    public static JsonObject Text(params string[] words)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (words.Length > 0)
            schema["enum"] = new JsonArray([.. words.Select(word => (JsonNode)word)]);
        return schema;
    }

    /// <summary>A text with a length in characters.</summary>
    public static JsonObject Sized(int least, int? most = null)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (least > 0)
            schema["minLength"] = least;
        if (most is not null)
            schema["maxLength"] = most;
        return schema;
    }

    public static JsonObject Number(double least, double most) => new() { ["type"] = "number", ["minimum"] = least, ["maximum"] = most };

    public static JsonObject Number() => new() { ["type"] = "number" };

    public static JsonObject Integer(decimal? least = null, decimal? most = null)
    {
        var schema = new JsonObject { ["type"] = "integer" };
        if (least is { } from)
            schema["minimum"] = from;
        if (most is { } to)
            schema["maximum"] = to;
        return schema;
    }

    /// <summary>An id of a token, or a count.</summary>
    public static JsonObject Unsigned() => Integer(0, UnsignedMax);

    /// <summary>A count where −1, and −2 as llama.cpp has it, is no limit.</summary>
    public static JsonObject Limit() => Integer(-2);

    public static JsonObject List(JsonObject items, int? least = null, int? most = null)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = items };
        if (least is not null)
            schema["minItems"] = least;
        if (most is not null)
            schema["maxItems"] = most;
        return schema;
    }

    public static JsonObject Ids() => List(Unsigned());

    /// <summary>An object whose members have names of their own.</summary>
    public static JsonObject Map(JsonObject values) => new() { ["type"] = "object", ["additionalProperties"] = values };

    public static JsonObject Object() => new() { ["type"] = "object" };

    public static JsonObject Constant(JsonNode value) => new() { ["const"] = value };

    public static JsonObject Null() => new() { ["type"] = "null" };

    public static JsonObject AnyOf(params JsonObject[] schemas) => new() { ["anyOf"] = new JsonArray([.. schemas]) };

    public static JsonObject Ref(string component) => new() { ["$ref"] = $"#/components/schemas/{component}" };

    /// <summary>The same, or null.</summary>
    public static JsonObject OrNull(JsonObject schema)
    {
        if (schema.Count == 0 || TakesNull(schema))
            return schema;
        if (schema["anyOf"] is JsonArray several)
        {
            several.Add((JsonNode)Null());
            return schema;
        }

        if ((string?)(schema["type"] as JsonValue) is not { } type)
            return AnyOf(schema, Null());
        schema["type"] = new JsonArray(type, "null");
        if (schema["enum"] is JsonArray words)
            words.Add((JsonNode?)null);
        return schema;
    }

    private static bool TakesNull(JsonObject schema) =>
        schema["enum"] is JsonArray words && words.Contains(null)
        || (string?)(schema["type"] as JsonValue) == "null"
        || schema["type"] is JsonArray types && types.Any(type => (string?)type == "null")
        || schema["anyOf"] is JsonArray several && several.Any(one => TakesNull(one!.AsObject()));

    /// <summary>What a request may hold: a member that is null is as good as none, whichever it is.</summary>
    public static JsonObject Request(params IEnumerable<Field> fields) => Record(fields.Select(
        field => field.IsRequired ? field : field with { Schema = OrNull(field.Schema) }));

    /// <summary>What an answer holds; its members are there unless they may be missing.</summary>
    public static JsonObject Record(params IEnumerable<Field> fields)
    {
        var (properties, required) = (new JsonObject(), new JsonArray());
        foreach (var field in fields)
        {
            // What is said of a reference stands beside it, which 3.1 allows.
            if (field.Text.Length > 0)
                field.Schema["description"] = field.Text;
            if (field.IsOther)
                field.Schema["x-other-servers"] = true;
            properties[field.Name] = field.Schema;
            if (field.IsRequired)
                required.Add((JsonNode)field.Name);
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        if (required.Count > 0)
            schema["required"] = required;
        return schema;
    }

    /// <summary>A member that is always there.</summary>
    public static Field Needed(string name, JsonObject schema, string text = "") => new(name, schema, text) { IsRequired = true };
}
