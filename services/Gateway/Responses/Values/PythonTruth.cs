using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Values;

/// <summary>Which values count as true, and which are empty, to Python.</summary>
internal static class PythonTruth
{
    public static bool IsTrue(JsonNode? value) => value switch
    {
        null => false,
        JsonObject node => node.Count > 0,
        JsonArray node => node.Count > 0,
        _ => value.GetValueKind() switch
        {
            JsonValueKind.True => true,
            JsonValueKind.String => value.GetValue<string>().Length > 0,
            JsonValueKind.Number => !IsNumber(value, 0),
            _ => false,
        },
    };

    /// <summary>Null, or a text, list or object without anything in it.</summary>
    public static bool IsEmpty(JsonNode? value) => value switch
    {
        null => true,
        JsonObject node => node.Count == 0,
        JsonArray node => node.Count == 0,
        _ => value.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Length == 0,
    };

    public static bool IsNumber(JsonNode? value, double number)
    {
        if (value is not JsonValue one || one.GetValueKind() != JsonValueKind.Number)
            return false;
        return one.TryGetValue<double>(out var real) ? real == number : one.TryGetValue<long>(out var whole) && whole == number;
    }

    public static string? Text(JsonNode? value) =>
        value is JsonValue one && one.GetValueKind() == JsonValueKind.String ? one.GetValue<string>() : null;
}
