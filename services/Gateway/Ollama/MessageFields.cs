using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>The messages of a chat. Calls have no ids here, and results name their tool: templates that want ids get some.</summary>
internal sealed class MessageFields(RequestFields fields)
{
    /// <summary>Calls without a result that a result is looked for among; more than any model makes at once.</summary>
    private const int OpenMax = 128;

    private readonly List<(string Id, string Name)> _open = [];
    private int _calls;

    public IReadOnlyList<ChatMessage> Read(string path, JsonElement list) =>
        [.. fields.Items(path, list).Select(item => ReadMessage(item.Field, item.Value))];

    private ChatMessage ReadMessage(string path, JsonElement element)
    {
        var message = new ChatMessage { Role = "", Content = "" };
        foreach (var (name, field, value) in fields.Members(path, element))
        {
            switch (name)
            {
                case "role":
                    message = message with { Role = fields.Text(field, value)?.ToLowerInvariant() ?? "user" };
                    break;
                case "content":
                    message = message with { Content = fields.Text(field, value) ?? "" };
                    break;
                case "thinking":
                    message = message with { ReasoningContent = TextOrNull(field, value) };
                    break;
                case "images":
                    if (!RequestFields.IsEmpty(value))
                        RefuseImages(field, fields);
                    break;
                case "tool_calls":
                    message = message with
                    {
                        ToolCalls = [.. fields.Items(field, value).Select(item => ReadCall(item.Field, item.Value))],
                    };
                    break;
                case "tool_name" or "name":
                    message = message with { Name = TextOrNull(field, value) ?? message.Name };
                    break;
                case "tool_call_id":
                    message = message with { ToolCallId = TextOrNull(field, value) };
                    break;
                default:
                    // Histories carry keys of their own front end.
                    break;
            }
        }

        return message.Role == "tool" ? Answering(message) : message;
    }

    public static void RefuseImages(string field, RequestFields fields) => fields.Refuse(
        field, "are not supported: of a model that sees images, too, the text model alone is served", ViolationReason.Unsupported);

    private string? TextOrNull(string field, JsonElement value) => fields.Text(field, value) is { Length: > 0 } text ? text : null;

    /// <summary>A result with its call: that of its id, the first of its tool that is open, or the first of all.</summary>
    private ChatMessage Answering(ChatMessage result)
    {
        var index = _open.FindIndex(one => result.ToolCallId is { } id ? one.Id == id : result.Name is null || one.Name == result.Name);
        if (index < 0)
            return result;
        var (callId, name) = _open[index];
        _open.RemoveAt(index);
        return result with { ToolCallId = callId, Name = name };
    }

    private ChatToolCall ReadCall(string path, JsonElement element)
    {
        // Nine letters and digits: as some templates want them.
        var call = new ChatToolCall((_calls++).ToString("'call'00000", CultureInfo.InvariantCulture), "", "{}");
        foreach (var (name, field, value) in fields.Members(path, element))
        {
            if (name == "id")
                call = call with { Id = TextOrNull(field, value) ?? call.Id };
            else if (name == "function")
                call = ReadFunction(field, value, call);
        }

        if (_open.Count == OpenMax)
            _open.RemoveAt(0);
        _open.Add((call.Id, call.Name));
        return call;
    }

    private ChatToolCall ReadFunction(string path, JsonElement function, ChatToolCall call)
    {
        foreach (var (name, field, value) in fields.Members(path, function))
        {
            if (name == "name")
                call = call with { Name = fields.Text(field, value) ?? "" };
            else if (name == "arguments" && value.ValueKind == JsonValueKind.String)
                // As OpenAI has them.
                call = call with { ArgumentsJson = value.GetString()! };
            else if (name == "arguments")
                call = call with { ArgumentsJson = fields.ObjectText(field, value) ?? "{}" };
        }

        return call;
    }
}
