using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// Typed values of JSON fields. A wrong type is a violation and reads as unset, as null does; an array or object that is empty is empty
/// whichever of the two was meant, because some languages know only one empty table.
/// </summary>
internal sealed class RequestFields
{
    private const int ShownCharactersMax = 40;
    private const double UInt64Limit = 18446744073709551616.0;

    private readonly SortedSet<string> _ignored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Field, JsonElement Value)> _claimed = new(StringComparer.Ordinal);

    public ViolationList Violations { get; } = [];

    /// <summary>Names of fields that were read over and that their author should hear of; bounded like violations.</summary>
    public IReadOnlyCollection<string> Ignored => _ignored;

    public void Refuse(string field, string description, ViolationReason reason = ViolationReason.Value) =>
        Violations.Add(field, description, reason);

    public void Ignore(string field)
    {
        if (_ignored.Count < ViolationList.KeptMax)
            _ignored.Add(field);
    }

    /// <summary>Notes that a field gives a setting which has several names; a second one may only say the same.</summary>
    public void Claim(string setting, string field, JsonElement value)
    {
        if (!_claimed.TryAdd(setting, (field, value)) && !JsonElement.DeepEquals(_claimed[setting].Value, value))
            Refuse(field, $"contradicts its other name {_claimed[setting].Field}");
    }

    /// <summary>The fields that gave settings under other names than those here, by the names here.</summary>
    public IReadOnlyDictionary<string, string> AsSent() => _claimed.Where(claim => claim.Key != claim.Value.Field)
        .ToDictionary(claim => claim.Key, claim => claim.Value.Field, StringComparer.Ordinal);

    public static bool Is(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    public static bool IsAnyOf(JsonElement value, params ReadOnlySpan<string> texts)
    {
        foreach (var text in texts)
        {
            if (Is(value, text))
                return true;
        }

        return false;
    }

    /// <summary>Null, or a text, an array or an object with nothing in it.</summary>
    public static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.String => value.ValueEquals(""),
        _ => IsEmptyTable(value),
    };

    public static bool IsNumber(JsonElement value, double number) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var given) && given == number;

    public string? Text(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        RefuseType(field, "a string", value);
        return null;
    }

    public float? Number(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetSingle(out var number))
        {
            RefuseType(field, "a number", value);
            return null;
        }

        if (float.IsFinite(number))
            // Minus zero is zero everywhere here, and no service has to think of it.
            return number == 0 ? 0 : number;
        var reason = number < 0 ? ViolationReason.NumberTooSmall : ViolationReason.NumberTooLarge;
        Refuse(field, $"must be a number within ±3.4e38 (it is {NameOf(value)})", reason);
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
        if (Whole(field, "an integer of at least 0", value) is not { } number)
            return null;
        if (number is >= 0 and <= uint.MaxValue)
            return (uint)number;
        if (number < 0)
            Refuse(field, $"must be an integer of at least 0 (it is {NameOf(value)})", ViolationReason.IntegerTooSmall);
        else
            Refuse(field, $"must be at most {uint.MaxValue} (it is {NameOf(value)})", ViolationReason.IntegerTooLarge);
        return null;
    }

    public int? Integer(string field, JsonElement value)
    {
        if (Whole(field, "an integer", value) is not { } number)
            return null;
        if (number is >= int.MinValue and <= int.MaxValue)
            return (int)number;
        Refuse(field, $"must be a 32-bit integer (it is {NameOf(value)})",
            number < 0 ? ViolationReason.IntegerTooSmall : ViolationReason.IntegerTooLarge);
        return null;
    }

    /// <summary>A limit on a count: −1, and −2 as llama.cpp has it, are no limit, and what is beyond all counts is the largest.</summary>
    public uint? Limit(string field, JsonElement value)
    {
        switch (Whole(field, "an integer", value))
        {
            case null or -1 or -2:
                return null;
            case < 0:
                Refuse(field, $"must be at least 1, or -1 for no limit (it is {NameOf(value)})", ViolationReason.IntegerTooSmall);
                return null;
            case > uint.MaxValue:
                return uint.MaxValue;
            case { } number:
                return (uint)number;
        }
    }

    /// <summary>Any 64-bit integer; a negative one stands for its two's complement.</summary>
    public ulong? Seed(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var number))
            return number;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var negative))
            return unchecked((ulong)negative);
        if (Whole(field, "a 64-bit integer", value) is not { } whole)
            return null;
        // An integer as such has been read by now, unless it is beyond 64 bits: a double would round it to their border.
        var isWritten = value.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') < 0;
        if (!isWritten && whole is >= long.MinValue and < UInt64Limit)
            return whole < 0 ? unchecked((ulong)(long)whole) : (ulong)whole;
        Refuse(field, $"must be a 64-bit integer (it is {NameOf(value)})",
            whole < 0 ? ViolationReason.IntegerTooSmall : ViolationReason.IntegerTooLarge);
        return null;
    }

    /// <summary>The items of an array, each with its path; none where it is something else.</summary>
    public IEnumerable<(string Field, JsonElement Value)> Items(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
            return value.EnumerateArray().Select((item, index) => ($"{field}[{index}]", item));
        if (!IsEmptyTable(value))
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

        if (field.Length == 0 || !IsEmptyTable(value))
            RefuseType(field, "an object", value);
        return [];
    }

    /// <summary>A body's members, and in their places those of what SDKs and Ollama's clients nest.</summary>
    public IEnumerable<(string Name, string Field, JsonElement Value)> Settings(JsonElement body) => Members("", body)
        .SelectMany(member => member.Name is "options" or "extra_body" ? Members(member.Field, member.Value) : [member]);

    /// <summary>An object as its JSON text; null where it is something else.</summary>
    public string? ObjectText(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
            return value.GetRawText();
        if (IsEmptyTable(value))
            return "{}";
        RefuseType(field, "an object", value);
        return null;
    }

    public IReadOnlyList<uint> Ids(string field, JsonElement value) =>
        [.. Items(field, value).Select(item => Unsigned(item.Field, item.Value)).OfType<uint>()];

    public void RefuseType(string field, string wanted, JsonElement value) =>
        Refuse(field.Length == 0 ? "body" : field, $"must be {wanted} (it is {NameOf(value)})", ViolationReason.Type);

    /// <summary>A value as an error shows it.</summary>
    public static string NameOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => value.GetRawText() is { Length: <= ShownCharactersMax } text ? text : "a long number",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };

    /// <summary>A whole number, however it is written: 8, 8.0 and 8e0 are one.</summary>
    private double? Whole(string field, string wanted, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number)
        {
            // Exact where a double is not.
            if (value.TryGetInt64(out var exact) && exact is > -(1L << 53) and < 1L << 53)
                return exact;
            if (value.TryGetDouble(out var number) && double.IsInteger(number))
                return number;
        }

        RefuseType(field, wanted, value);
        return null;
    }

    private static bool IsEmptyTable(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => value.GetPropertyCount() == 0,
        _ => false,
    };
}
