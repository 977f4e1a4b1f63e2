using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>The body of <c>/api/generate</c>: one prompt, a chat of one turn unless a context goes before it or it is raw.</summary>
internal sealed class OllamaGenerateReader(UnknownFields unknown)
{
    private readonly SettingFields _settings = new(unknown);
    private string _prompt = "";
    private string _system = "";
    private IReadOnlyList<ChatMessage> _context = [];
    private bool _raw;

    public RequestFields Fields => _settings.Fields;

    public OllamaRequest Read(JsonElement body, string requestId, DateTimeOffset deadline, IReadOnlyList<string>? servedNames)
    {
        foreach (var (name, field, value) in Fields.Members("", body))
        {
            if (!TryRead(name, field, value))
                _settings.Read(name, field, value);
        }

        if (_raw && (_system.Length > 0 || _context.Count > 0))
            Fields.Refuse(_system.Length > 0 ? "system" : "context", "contradicts raw, which takes the prompt as it stands");
        var chat = _settings.Settle(requestId, deadline, servedNames);
        chat = _raw
            ? chat with { Prompt = new RawPrompt(_prompt, null) }
            : chat with { Conversation = chat.Conversation with { Messages = Messages() } };
        return new OllamaRequest(chat, _settings.Stream, IsLoad: _prompt.Length == 0, HasContext: !_raw);
    }

    private IReadOnlyList<ChatMessage> Messages()
    {
        var user = new ChatMessage { Role = "user", Content = _prompt };
        return _system.Length == 0
            ? [.. _context, user]
            : [new ChatMessage { Role = "system", Content = _system }, .. _context.Where(message => message.Role != "system"), user];
    }

    private bool TryRead(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "prompt":
                _prompt = Fields.Text(field, value) ?? "";
                return true;
            case "system":
                _system = Fields.Text(field, value) ?? "";
                return true;
            case "raw":
                _raw = Fields.Flag(field, value) == true;
                return true;
            case "context":
                ReadContext(field, value);
                return true;
            case "images":
                if (!RequestFields.IsEmpty(value))
                    MessageFields.RefuseImages(field, Fields);
                return true;
            case "suffix":
                if (!RequestFields.IsEmpty(value))
                    Fields.Refuse(field, "is not supported: the model writes what follows a text, and not what stands between two",
                        ViolationReason.Unsupported);
                return true;
            case "template":
                if (!RequestFields.IsEmpty(value))
                    Fields.Refuse(field, "is not supported: the model's own chat template is used; raw takes a prompt as it stands",
                        ViolationReason.Unsupported);
                return true;
            default:
                return false;
        }
    }

    private void ReadContext(string field, JsonElement value)
    {
        if (RequestFields.IsEmpty(value))
            return;
        if (value.ValueKind != JsonValueKind.Array)
            Fields.RefuseType(field, "an array of numbers", value);
        else if (ContextNumbers.Read(value) is { } messages)
            _context = messages;
        else
            Fields.Refuse(field, "is none that this server has given");
    }
}
