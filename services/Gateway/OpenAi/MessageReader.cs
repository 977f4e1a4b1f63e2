using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>One message of an OpenAI request.</summary>
internal static class MessageReader
{
    public static ChatMessage Read(string path, JsonElement element, RequestFields fields)
    {
        var message = new ChatMessage { Role = "" };
        foreach (var (name, field, value) in fields.Members(path, element))
        {
            switch (name)
            {
                case "role":
                    message = message with { Role = fields.Text(field, value) is { } role ? RoleOf(role) : message.Role };
                    break;
                case "content":
                    message = ReadContent(message, field, value, fields);
                    break;
                case "name":
                    message = message with { Name = fields.Text(field, value) };
                    break;
                case "tool_call_id":
                    message = message with { ToolCallId = fields.Text(field, value) };
                    break;
                case "tool_calls":
                    message = message with { ToolCalls = ReadToolCalls(field, value, fields) };
                    break;
                case "reasoning_content" or "reasoning":
                    message = message with { ReasoningContent = fields.Text(field, value) };
                    break;
                case "annotations" when value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0:
                    // An answer that a client sends back as it came.
                    break;
                default:
                    fields.Refuse(field, "is not supported in a message");
                    break;
            }
        }

        return message;
    }

    /// <summary>OpenAI's newer name for the system role; the templates know the older one.</summary>
    private static string RoleOf(string role) => role == "developer" ? "system" : role;

    /// <summary>A string, or text parts, which stay parts: the Tokenizer knows which of the two the template reads.</summary>
    private static ChatMessage ReadContent(ChatMessage message, string path, JsonElement content, RequestFields fields)
    {
        if (content.ValueKind == JsonValueKind.String)
            return message with { Content = content.GetString() };
        if (content.ValueKind != JsonValueKind.Array)
        {
            fields.Refuse(path, "must be a string or an array of text parts");
            return message with { Content = "" };
        }

        string[] parts = [.. fields.Items(path, content).Select(part => ReadPart(part.Field, part.Value, fields))];
        return parts.Length > 0 ? message with { Parts = parts } : message with { Content = "" };
    }

    private static string ReadPart(string path, JsonElement part, RequestFields fields)
    {
        var type = part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var kind) ? kind.ToString() : "";
        if (type != "text")
        {
            fields.Refuse($"{path}.type", type.Length == 0 ? "is missing" : $"'{type}' is not supported; only text parts are");
            return "";
        }

        if (part.TryGetProperty("text", out var text))
            return fields.Text($"{path}.text", text) ?? "";
        fields.Refuse($"{path}.text", "is missing");
        return "";
    }

    private static IReadOnlyList<ChatToolCall> ReadToolCalls(string path, JsonElement calls, RequestFields fields) =>
        [.. fields.Items(path, calls).Select(item => ReadToolCall(item.Field, item.Value, fields))];

    private static ChatToolCall ReadToolCall(string path, JsonElement element, RequestFields fields)
    {
        var call = new ChatToolCall("", "", "");
        foreach (var (name, field, value) in fields.Members(path, element))
        {
            switch (name)
            {
                case "id":
                    call = call with { Id = fields.Text(field, value) ?? "" };
                    break;
                case "type" when RequestFields.Is(value, "function"):
                    break;
                case "function":
                    foreach (var (part, partField, partValue) in fields.Members(field, value))
                    {
                        if (part == "name")
                            call = call with { Name = fields.Text(partField, partValue) ?? "" };
                        else if (part == "arguments")
                            call = call with { ArgumentsJson = ReadArguments(partValue) };
                        else
                            fields.Refuse(partField, "is unknown");
                    }

                    break;
                default:
                    fields.Refuse(field, "is not supported in a tool call");
                    break;
            }
        }

        return call;
    }

    // A model wrote them: what is neither a text nor an object is read as none, and so is a text without an object.
    private static string ReadArguments(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Object => value.GetRawText(),
        _ => "",
    };
}
