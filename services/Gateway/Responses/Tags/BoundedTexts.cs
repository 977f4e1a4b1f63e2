using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Tags;

/// <summary>Texts that stand in an answer as they are.</summary>
internal static class BoundedTexts
{
    /// <summary>
    /// Any text, or where its length counts one without "&lt;": what ends it begins so, and an automaton that counts characters could not
    /// leave it out otherwise.
    /// </summary>
    public static JsonObject Write(JsonObject schema)
    {
        if (schema["minLength"] is null && schema["maxLength"] is null)
            return TagNode.AnyText();
        var least = Number(schema["minLength"]) ?? "0";
        return TagNode.Pattern($"[^<]{{{least},{Number(schema["maxLength"])}}}");
    }

    private static string? Number(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
        && value.TryGetValue(out double number) && number is >= 0 and < 1e9 ? ((long)number).ToString(CultureInfo.InvariantCulture) : null;
}
