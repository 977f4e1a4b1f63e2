using System.Collections;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Parley.Generator.V1;

namespace Parley.Client.Requests;

/// <summary>Values as callers, settings files and JSON write them; what cannot be read is a violation and null.</summary>
internal sealed class PropertyReader(ViolationList violations)
{
    public static string FieldOf(string name) => $"ChatOptions.AdditionalProperties[\"{name}\"]";

    public float? Number(string field, object value)
    {
        if (DoubleOf(value) is { } number)
            return (float)number;
        Refuse(field, "a number", value);
        return null;
    }

    public uint? Unsigned(string field, object value) => (uint?)Whole(field, value, uint.MinValue, uint.MaxValue);

    public int? Integer(string field, object value) => (int?)Whole(field, value, int.MinValue, int.MaxValue);

    public bool? Flag(string field, object value)
    {
        switch (value)
        {
            case bool flag:
                return flag;
            case JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } element:
                return element.GetBoolean();
            default:
                Refuse(field, "true or false", value);
                return null;
        }
    }

    public string? Text(string field, object value)
    {
        switch (value)
        {
            case string text:
                return text;
            case JsonElement { ValueKind: JsonValueKind.String } element:
                return element.GetString();
            default:
                Refuse(field, "a text", value);
                return null;
        }
    }

    public TimeSpan? Span(string field, object value)
    {
        var span = value is TimeSpan given ? given
            : DoubleOf(value) is { } seconds && seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.Zero;
        if (span > TimeSpan.Zero || span == Timeout.InfiniteTimeSpan)
            return span;
        Refuse(field, "a time span above 0, or seconds", value);
        return null;
    }

    public IReadOnlyList<uint> Ids(string field, object value) =>
        [.. Items(field, value).Select((item, index) => Unsigned($"{field}[{index}]", item)).OfType<uint>()];

    public IReadOnlyList<string> Texts(string field, object value) =>
        [.. Items(field, value).Select((item, index) => Text($"{field}[{index}]", item)).OfType<string>()];

    /// <summary>The contract's message from a JSON object with its fields.</summary>
    public Processors? Processors(string field, object value)
    {
        if (JsonObject(field, value) is not { } json)
            return null;
        try
        {
            return JsonParser.Default.Parse<Processors>(json);
        }
        catch (InvalidProtocolBufferException exception)
        {
            violations.Add(field, $"does not fit the contract's Processors: {exception.Message}");
            return null;
        }
    }

    public IReadOnlyList<string> Objects(string field, object value) =>
        [.. Items(field, value).Select((item, index) => JsonObject($"{field}[{index}]", item)).OfType<string>()];

    /// <summary>Numbers by token id.</summary>
    public IReadOnlyDictionary<uint, float> Biases(string field, object value)
    {
        var biases = new Dictionary<uint, float>();
        foreach (var (key, bias) in Members(field, value))
        {
            var name = Convert.ToString(key, CultureInfo.InvariantCulture);
            if (!uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                violations.Add(field, $"must be keyed by token ids (a key is '{name}')");
            else if (Number($"{field}[{id}]", bias) is { } number)
                biases[id] = number;
        }

        return biases;
    }

    /// <summary>A JSON object as text.</summary>
    public string? JsonObject(string field, object value)
    {
        var json = JsonOf(value);
        if (json is not null && IsObject(json))
            return json;
        Refuse(field, "a JSON object", value);
        return null;
    }

    private static string? JsonOf(object value)
    {
        if (value is string text)
            return text;
        try
        {
            return ToolJson.Serialize(value);
        }
        catch (NotSupportedException)
        {
            // Of a type that the caller gave no contract for; without reflection there is none.
            return null;
        }
    }

    private static bool IsObject(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static double? DoubleOf(object value) => value switch
    {
        sbyte or byte or short or ushort or int or uint or long or ulong or float or double or decimal =>
            Convert.ToDouble(value, CultureInfo.InvariantCulture),
        JsonElement { ValueKind: JsonValueKind.Number } element => element.GetDouble(),
        _ => null,
    };

    private long? Whole(string field, object value, long least, long most)
    {
        if (DoubleOf(value) is not { } number || number != Math.Floor(number))
            Refuse(field, "a whole number", value);
        else if (number < least || number > most)
            violations.Add(field, string.Create(CultureInfo.InvariantCulture, $"must be between {least} and {most} (it is {number})"));
        else
            return (long)number;
        return null;
    }

    private IEnumerable<object> Items(string field, object value)
    {
        switch (value)
        {
            case JsonElement { ValueKind: JsonValueKind.Array } element:
                return element.EnumerateArray().Select(item => (object)item);
            case IEnumerable list and not (string or IDictionary):
                return list.Cast<object?>().Select(item => item ?? "");
            default:
                Refuse(field, "a list", value);
                return [];
        }
    }

    private IEnumerable<(object Key, object Value)> Members(string field, object value)
    {
        switch (value)
        {
            case JsonElement { ValueKind: JsonValueKind.Object } element:
                return element.EnumerateObject().Select(member => ((object)member.Name, (object)member.Value));
            case IDictionary dictionary:
                return dictionary.Keys.Cast<object>().Select(key => (key, dictionary[key] ?? ""));
            default:
                Refuse(field, "a dictionary of numbers by token id", value);
                return [];
        }
    }

    private void Refuse(string field, string wanted, object value) =>
        violations.Add(field, $"must be {wanted} (it is {KindOf(value)})");

    private static string KindOf(object value) => value is JsonElement element ? $"JSON {element.ValueKind}" : value.GetType().Name;
}
