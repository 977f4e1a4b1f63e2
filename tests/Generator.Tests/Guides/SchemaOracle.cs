using System.Text.Json;
using System.Text.RegularExpressions;

namespace Parley.Generator.Tests.Guides;

/// <summary>A validator that does what the specification says in the plainest way: the partner of the automaton on small values.</summary>
internal static class SchemaOracle
{
    public static bool IsValid(JsonElement schema, JsonElement value, JsonElement root)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return schema.ValueKind == JsonValueKind.True;
        foreach (var keyword in schema.EnumerateObject())
        {
            if (!Holds(schema, keyword.Name, keyword.Value, value, root))
                return false;
        }

        return true;
    }

    private static bool Holds(JsonElement schema, string keyword, JsonElement asked, JsonElement value, JsonElement root)
    {
        bool Valid(JsonElement inner) => IsValid(inner, value, root);
        switch (keyword)
        {
            case "$ref":
                return Valid(root.GetProperty("$defs").GetProperty(asked.GetString()!["#/$defs/".Length..]));
            case "type":
                return (asked.ValueKind == JsonValueKind.Array ? asked.EnumerateArray().ToArray() : [asked]).Any(type =>
                    IsOf(type.GetString()!, value));
            case "enum":
                return asked.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value));
            case "const":
                return JsonElement.DeepEquals(asked, value);
            case "allOf":
                return asked.EnumerateArray().All(Valid);
            case "anyOf":
                return asked.EnumerateArray().Any(Valid);
            case "oneOf":
                return asked.EnumerateArray().Count(Valid) == 1;
            case "not":
                return !Valid(asked);
            case "if":
                return !schema.TryGetProperty(Valid(asked) ? "then" : "else", out var branch) || Valid(branch);
            default:
                return value.ValueKind switch
                {
                    JsonValueKind.Object => OfObject(schema, keyword, asked, value, root),
                    JsonValueKind.Array => OfArray(schema, keyword, asked, value, root),
                    JsonValueKind.String => OfString(keyword, asked, value.GetString()!),
                    JsonValueKind.Number => OfNumber(keyword, asked, value.GetDecimal()),
                    _ => true,
                };
        }
    }

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDecimal() % 1 == 0,
        "number" => value.ValueKind == JsonValueKind.Number,
        "string" => value.ValueKind == JsonValueKind.String,
        "array" => value.ValueKind == JsonValueKind.Array,
        _ => value.ValueKind == JsonValueKind.Object,
    };

    private static bool OfObject(JsonElement schema, string keyword, JsonElement asked, JsonElement value, JsonElement root)
    {
        var members = value.EnumerateObject().ToArray();
        bool Has(string name) => value.TryGetProperty(name, out _);
        switch (keyword)
        {
            case "properties":
                return members.All(member => !asked.TryGetProperty(member.Name, out var inner) || IsValid(inner, member.Value, root));
            case "patternProperties":
                return members.All(member => asked.EnumerateObject().All(
                    pattern => !Regex.IsMatch(member.Name, pattern.Name) || IsValid(pattern.Value, member.Value, root)));
            case "additionalProperties":
                return members.All(member => IsNamed(schema, member.Name) || IsValid(asked, member.Value, root));
            case "required":
                return asked.EnumerateArray().All(name => Has(name.GetString()!));
            case "minProperties":
                return members.Length >= asked.GetInt32();
            case "maxProperties":
                return members.Length <= asked.GetInt32();
            case "propertyNames":
                return members.All(member => IsValid(asked, JsonSerializer.SerializeToElement(member.Name), root));
            case "dependentRequired":
                return asked.EnumerateObject().All(entry => !Has(entry.Name)
                    || entry.Value.EnumerateArray().All(name => Has(name.GetString()!)));
            case "dependentSchemas":
                return asked.EnumerateObject().All(entry => !Has(entry.Name) || IsValid(entry.Value, value, root));
            default:
                return true;
        }
    }

    private static bool IsNamed(JsonElement schema, string name) =>
        (schema.TryGetProperty("properties", out var named) && named.TryGetProperty(name, out _))
        || (schema.TryGetProperty("patternProperties", out var patterns)
            && patterns.EnumerateObject().Any(pattern => Regex.IsMatch(name, pattern.Name)));

    private static bool OfArray(JsonElement schema, string keyword, JsonElement asked, JsonElement value, JsonElement root)
    {
        var items = value.EnumerateArray().ToArray();
        var places = schema.TryGetProperty("prefixItems", out var prefix) ? prefix.GetArrayLength() : 0;
        int Contained() => items.Count(item => IsValid(schema.GetProperty("contains"), item, root));
        return keyword switch
        {
            "prefixItems" => items.Take(places).Select((item, index) => IsValid(prefix[index], item, root)).All(valid => valid),
            "items" => items.Skip(places).All(item => IsValid(asked, item, root)),
            "minItems" => items.Length >= asked.GetInt32(),
            "maxItems" => items.Length <= asked.GetInt32(),
            "uniqueItems" => !asked.GetBoolean()
                || !items.Where((item, index) => items.Take(index).Any(other => JsonElement.DeepEquals(other, item))).Any(),
            "contains" => Contained() >= (schema.TryGetProperty("minContains", out var least) ? least.GetInt32() : 1)
                && (!schema.TryGetProperty("maxContains", out var most) || Contained() <= most.GetInt32()),
            _ => true,
        };
    }

    private static bool OfString(string keyword, JsonElement asked, string value) => keyword switch
    {
        "minLength" => value.EnumerateRunes().Count() >= asked.GetInt32(),
        "maxLength" => value.EnumerateRunes().Count() <= asked.GetInt32(),
        "pattern" => Regex.IsMatch(value, asked.GetString()!),
        _ => true,
    };

    private static bool OfNumber(string keyword, JsonElement asked, decimal value) => keyword switch
    {
        "minimum" => value >= asked.GetDecimal(),
        "maximum" => value <= asked.GetDecimal(),
        "exclusiveMinimum" => value > asked.GetDecimal(),
        "exclusiveMaximum" => value < asked.GetDecimal(),
        "multipleOf" => value % asked.GetDecimal() == 0,
        _ => true,
    };
}
