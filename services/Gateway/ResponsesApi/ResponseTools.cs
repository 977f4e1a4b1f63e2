using System.Buffers;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>The Responses API's flat tools in the form that chat templates read.</summary>
internal static class ResponseTools
{
    private static readonly string[] Keys = ["name", "description", "parameters", "strict"];

    /// <summary>The tool; null where it is no function, which is noted.</summary>
    public static string? Read(string path, JsonElement tool, RequestFields fields)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(path, "an object", tool);
            return null;
        }

        // Chat Completions' form, as some clients send it here too.
        if (tool.TryGetProperty("function", out _))
            return ToolReader.Read(path, tool, fields);
        if (!tool.TryGetProperty("type", out var type) || !RequestFields.Is(type, "function"))
        {
            fields.Refuse($"{path}.type", $"is supported as 'function' only: this server runs no tools of its own (it is "
                + $"{(type.ValueKind == JsonValueKind.String ? $"'{BoundedText.Cut(type.GetString()!, 40)}'" : "missing")})",
                ViolationReason.Unsupported);
            return null;
        }

        using var nested = JsonDocument.Parse(Nested(tool), new JsonDocumentOptions { MaxDepth = RequestBody.DepthMax + 1 });
        var before = fields.Violations.Count;
        var read = ToolReader.Read(path, nested.RootElement, fields);
        return fields.Violations.Count == before ? read : null;
    }

    private static ReadOnlyMemory<byte> Nested(JsonElement tool)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            foreach (var member in tool.EnumerateObject().Where(member => Keys.Contains(member.Name)))
            {
                // A template would write the null of what is not said.
                if (member.Value.ValueKind == JsonValueKind.Null)
                    continue;
                json.WritePropertyName(member.Name);
                json.WriteRawValue(member.Value.GetRawText(), skipInputValidation: true);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
