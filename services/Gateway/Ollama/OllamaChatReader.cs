using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>The body of <c>/api/chat</c>.</summary>
internal sealed class OllamaChatReader(UnknownFields unknown)
{
    private readonly SettingFields _settings = new(unknown);

    public RequestFields Fields => _settings.Fields;

    public OllamaRequest Read(JsonElement body, string requestId, DateTimeOffset deadline, IReadOnlyList<string>? servedNames)
    {
        IReadOnlyList<ChatMessage> messages = [];
        IReadOnlyList<string> tools = [];
        foreach (var (name, field, value) in Fields.Members("", body))
        {
            if (name == "messages")
                messages = new MessageFields(Fields).Read(field, value);
            else if (name == "tools")
                tools = [.. Fields.Items(field, value).Select(item => ToolReader.Read(item.Field, item.Value, Fields)).OfType<string>()];
            else
                _settings.Read(name, field, value);
        }

        var chat = _settings.Settle(requestId, deadline, servedNames);
        chat = chat with { Conversation = chat.Conversation with { Messages = messages, ToolsJson = tools } };
        return new OllamaRequest(chat, _settings.Stream, IsLoad: messages.Count == 0);
    }
}
