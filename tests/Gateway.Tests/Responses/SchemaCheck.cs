using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Tests.Responses;

/// <summary>Whether a value meets a schema, as far as these tests' schemas go.</summary>
internal static class SchemaCheck
{
    public static string? FaultOf(JsonNode? value, JsonObject schema)
    {
        if (schema["enum"] is JsonArray list && !list.Any(one => JsonNode.DeepEquals(one, value)))
            return $"{value} is none of {list}";
        string?[] types = schema["type"] is JsonArray several ? [.. several.Select(one => (string?)one)] : [(string?)schema["type"]];
        if (types[0] is not null && !types.Contains(TypeOf(value)) && !(types.Contains("number") && TypeOf(value) == "integer"))
            return $"{value?.ToJsonString()} is no {string.Join(" or ", types)}";
        if (value is JsonValue && TypeOf(value) == "string")
            return LengthFault(((string)value!).EnumerateRunes().Count(), schema["minLength"], schema["maxLength"]);
        if (value is JsonArray items)
        {
            return LengthFault(items.Count, schema["minItems"], schema["maxItems"])
                ?? items.Select(item => FaultOf(item, schema["items"] as JsonObject ?? [])).FirstOrDefault(fault => fault is not null);
        }

        if (value is not JsonObject node)
            return null;
        if ((schema["required"] as JsonArray ?? []).FirstOrDefault(name => !node.ContainsKey((string)name!)) is { } missing)
            return $"{missing} is missing";
        foreach (var (name, member) in node)
        {
            if (schema["properties"]?[name] is JsonObject inner)
            {
                if (FaultOf(member, inner) is { } fault)
                    return $"{name}: {fault}";
            }
            else if (schema["additionalProperties"] is JsonValue closed && closed.GetValueKind() == JsonValueKind.False)
            {
                return $"{name} is not allowed";
            }
        }

        return null;
    }

    private static string? LengthFault(int length, JsonNode? least, JsonNode? most) =>
        length < ((int?)least ?? 0) || length > ((int?)most ?? int.MaxValue) ? $"the length {length} is out of bounds" : null;

    private static string TypeOf(JsonNode? value) => value?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.String => "string",
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        _ => double.IsInteger(double.Parse(value.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture)) ? "integer" : "number",
    };
}
