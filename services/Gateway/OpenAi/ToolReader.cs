using System.Buffers;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>One entry of <c>tools</c>: a function, as the JSON text that the chat template reads.</summary>
internal static class ToolReader
{
    private static readonly string[] ToolKeys = ["type", "function"];

    /// <summary>What a function may hold: OpenAI's keys, and <c>return</c>, which transformers writes for typed functions.</summary>
    private static readonly string[] FunctionKeys = ["name", "description", "parameters", "strict", "return"];

    /// <summary>The entry without keys that nobody knows; null where it is no function, which is noted.</summary>
    public static string? Read(string path, JsonElement element, RequestFields fields)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(path, "an object", element);
            return null;
        }

        if (element.TryGetProperty("type", out var type) && type.ValueKind != JsonValueKind.Null && !RequestFields.Is(type, "function"))
        {
            OtherFields.RefuseValue(path, type, "type 'function'", fields);
            return null;
        }

        if (!element.TryGetProperty("function", out var function) || function.ValueKind != JsonValueKind.Object)
        {
            fields.Refuse(path, "must hold a function: {\"type\": \"function\", \"function\": {\"name\": …}}", ViolationReason.Missing);
            return null;
        }

        if (!CheckFunction($"{path}.function", function, fields))
            return null;
        var isKnown = HasOnly(element, ToolKeys) && HasOnly(function, FunctionKeys);
        return isKnown ? element.GetRawText() : Without(element, function);
    }

    private static bool CheckFunction(string path, JsonElement function, RequestFields fields)
    {
        if (!function.TryGetProperty("name", out var name) || RequestFields.IsEmpty(name))
        {
            fields.Refuse($"{path}.name", "is missing", ViolationReason.Missing);
            return false;
        }

        if (name.ValueKind != JsonValueKind.String)
        {
            fields.RefuseType($"{path}.name", "a string", name);
            return false;
        }

        if (function.TryGetProperty("parameters", out var parameters)
            && parameters.ValueKind != JsonValueKind.Object && !RequestFields.IsEmpty(parameters))
        {
            fields.RefuseType($"{path}.parameters", "an object", parameters);
            return false;
        }

        return true;
    }

    private static bool HasOnly(JsonElement element, string[] keys) => element.EnumerateObject().All(member => keys.Contains(member.Name));

    private static string Without(JsonElement element, JsonElement function)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
        {
            json.WriteStartObject();
            foreach (var member in element.EnumerateObject().Where(member => ToolKeys.Contains(member.Name)))
            {
                json.WritePropertyName(member.Name);
                if (member.Name != "function")
                {
                    json.WriteRawValue(member.Value.GetRawText(), skipInputValidation: true);
                    continue;
                }

                json.WriteStartObject();
                foreach (var part in function.EnumerateObject().Where(part => FunctionKeys.Contains(part.Name)))
                {
                    json.WritePropertyName(part.Name);
                    json.WriteRawValue(part.Value.GetRawText(), skipInputValidation: true);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
