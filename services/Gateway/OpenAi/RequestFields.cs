using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>Typed values of JSON fields; a wrong type is a violation and reads as unset, as null does.</summary>
internal sealed class RequestFields
{
    public List<ChatViolation> Violations { get; } = [];

    public void Refuse(string field, string description) => Violations.Add(new ChatViolation(field, description));

    public static bool Is(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    public string? Text(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        RefuseType(field, "a string", value);
        return null;
    }

    public float? Number(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number))
            return number;
        RefuseType(field, "a number", value);
        return null;
    }

    public bool? Flag(string field, JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();
        RefuseType(field, "true or false", value);
        return null;
    }

    public uint? Unsigned(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out var number))
            return number;
        RefuseType(field, "an integer of at least 0", value);
        return null;
    }

    public int? Integer(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number))
            return number;
        RefuseType(field, "an integer", value);
        return null;
    }

    /// <summary>Any 64-bit integer; a negative one stands for its two's complement.</summary>
    public ulong? Seed(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var number))
            return number;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var negative))
            return unchecked((ulong)negative);
        RefuseType(field, "a 64-bit integer", value);
        return null;
    }

    /// <summary>The items of an array, each with its path; none where it is something else.</summary>
    public IEnumerable<(string Field, JsonElement Value)> Items(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
            return value.EnumerateArray().Select((item, index) => ($"{field}[{index}]", item));
        RefuseType(field, "an array", value);
        return [];
    }

    /// <summary>The members of an object that are not null, each with its path; none where it is something else.</summary>
    public IEnumerable<(string Name, string Field, JsonElement Value)> Members(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            return value.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null)
                .Select(member => (member.Name, field.Length == 0 ? member.Name : $"{field}.{member.Name}", member.Value));
        }

        RefuseType(field, "an object", value);
        return [];
    }

    /// <summary>An object as its JSON text; null where it is something else.</summary>
    public string? ObjectText(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
            return value.GetRawText();
        RefuseType(field, "an object", value);
        return null;
    }

    public IReadOnlyList<uint> Ids(string field, JsonElement value) =>
        [.. Items(field, value).Select(item => Unsigned(item.Field, item.Value)).OfType<uint>()];

    private void RefuseType(string field, string wanted, JsonElement value) =>
        Refuse(field.Length == 0 ? "body" : field, $"must be {wanted} (it is {NameOf(value)})");

    private static string NameOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => value.GetRawText() is { Length: <= 40 } text ? text : "a long number",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}
