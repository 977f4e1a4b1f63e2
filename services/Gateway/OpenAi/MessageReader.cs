using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>One message of an OpenAI request.</summary>
internal static class MessageReader
{
    public static ChatMessage Read(string path, JsonElement element, RequestFields fields)
    {
        var message = new ChatMessage { Role = "" };
        var refusal = "";
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
                case "reasoning_content":
                    message = message with { ReasoningContent = fields.Text(field, value) };
                    break;
                case "reasoning" or "thinking" when value.ValueKind == JsonValueKind.String && !RequestFields.IsEmpty(value):
                    message = message with { ReasoningContent = message.ReasoningContent ?? value.GetString() };
                    break;
                case "refusal" when value.ValueKind == JsonValueKind.String:
                    refusal = value.GetString()!;
                    break;
                case "function_call" when !RequestFields.IsEmpty(value):
                    message = message with { ToolCalls = [ReadFunction(field, value, new ChatToolCall("", "", ""), fields)] };
                    break;
                case "audio" or "images" or "prefix" or "partial":
                    // These would change the prompt, were they done.
                    if (value.ValueKind != JsonValueKind.False && !RequestFields.IsEmpty(value))
                        fields.Refuse(field, "is not supported in a message", ViolationReason.Unsupported);
                    break;
                default:
                    // Histories carry keys of their own front end: ids, times, annotations, hints for caches.
                    break;
            }
        }

        // What says nothing but calls a tool, or refuses, has no text; templates read the key of every message.
        var saysNothing = message.Content is null && message.Parts.Count + message.ImageParts.Count == 0;
        return saysNothing && (message.ToolCalls.Count > 0 || refusal.Length > 0) ? message with { Content = refusal } : message;
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
            fields.RefuseType(path, "a string or an array of text parts", content);
            return message with { Content = "" };
        }

        var (parts, images) = (new List<string>(), new List<int>());
        foreach (var (index, part) in fields.Items(path, content).Index())
        {
            if (IsImage(part.Value))
                images.Add(index);
            else
                parts.Add(ReadPart(part.Field, part.Value, fields));
        }

        return parts.Count + images.Count > 0 ? message with { Parts = parts, ImageParts = images } : message with { Content = "" };
    }

    /// <summary><c>image_url</c>, <c>input_image</c> or <c>image</c>: whether the model takes it is not for a reader to say.</summary>
    private static bool IsImage(JsonElement part) => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var type)
        && RequestFields.IsAnyOf(type, "image_url", "input_image", "image");

    private static string ReadPart(string path, JsonElement part, RequestFields fields)
    {
        if (part.ValueKind == JsonValueKind.String)
            return part.GetString()!;
        if (part.ValueKind != JsonValueKind.Object)
        {
            fields.RefuseType(path, "a text part", part);
            return "";
        }

        var type = part.TryGetProperty("type", out var kind) && !RequestFields.IsEmpty(kind) ? kind.ToString() : "text";
        if (TextKeyOf(type) is not { } key)
        {
            fields.Refuse($"{path}.type", $"'{BoundedText.Cut(type, 40)}' is not supported; only text parts are",
                ViolationReason.Unsupported);
            return "";
        }

        if (part.TryGetProperty(key, out var text))
            return fields.Text($"{path}.{key}", text) ?? "";
        fields.Refuse($"{path}.{key}", "is missing", ViolationReason.Missing);
        return "";
    }

    /// <summary>Where a part holds its text: Chat Completions and Responses name the same parts differently.</summary>
    private static string? TextKeyOf(string type) => type switch
    {
        "text" or "input_text" or "output_text" => "text",
        "refusal" => "refusal",
        _ => null,
    };

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
                case "type" when !RequestFields.IsEmpty(value) && !RequestFields.Is(value, "function"):
                    fields.Refuse(field, "is supported as 'function' only", ViolationReason.Unsupported);
                    break;
                case "function":
                    call = ReadFunction(field, value, call, fields);
                    break;
                default:
                    // An index of a stream, or a key of the server that the call came from.
                    break;
            }
        }

        return call;
    }

    private static ChatToolCall ReadFunction(string path, JsonElement function, ChatToolCall call, RequestFields fields)
    {
        foreach (var (name, field, value) in fields.Members(path, function))
        {
            if (name == "name")
                call = call with { Name = fields.Text(field, value) ?? "" };
            else if (name == "arguments")
                call = call with { ArgumentsJson = ReadArguments(value) };
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
