using System.Buffers;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Tokens;

/// <summary>
/// The body of <c>/tokenize</c>: a text under vLLM's name (<c>prompt</c>, bos added) or llama.cpp's (<c>content</c>, none added), or a
/// chat's <c>messages</c> with the fields that its prompt depends on.
/// </summary>
internal sealed class TokenizeRequestReader(UnknownFields unknown)
{
    private readonly RequestFields _fields = new();
    private ChatCompletionRequestReader? _chat;

    public ViolationList Violations => _chat is { Violations.Count: > 0 } chat ? chat.Violations : _fields.Violations;

    public IReadOnlyCollection<string> Ignored => _chat?.Ignored ?? _fields.Ignored;

    public TokenizeRequest Read(JsonElement body, string requestId, DateTimeOffset deadline)
    {
        var isChat = body.ValueKind == JsonValueKind.Object && body.TryGetProperty("messages", out _);
        string? text = null;
        var model = "";
        bool? addSpecial = null;
        var (pieces, isContent) = (TokenPieces.None, false);
        foreach (var (name, field, value) in _fields.Members("", body))
        {
            switch (name)
            {
                case "prompt" or "content" when !isChat:
                    isContent |= name == "content";
                    text = _fields.Text(field, value) ?? "";
                    break;
                case "add_special_tokens" or "add_special":
                    addSpecial = _fields.Flag(field, value);
                    break;
                case "return_token_strs":
                    pieces = _fields.Flag(field, value) == true ? TokenPieces.Entries : pieces;
                    break;
                case "with_pieces":
                    pieces = _fields.Flag(field, value) == true ? TokenPieces.Texts : pieces;
                    break;
                case "parse_special":
                    if (value.ValueKind != JsonValueKind.True)
                        OtherFields.RefuseValue(field, value, "true", _fields);
                    break;
                case "model" when !isChat:
                    model = _fields.Text(field, value) ?? "";
                    break;
                default:
                    if (!isChat)
                        ReadUnknown(field);
                    break;
            }
        }

        if (isChat)
            return new TokenizeRequest(ReadChat(body, addSpecial, requestId, deadline), pieces);
        if (text is null)
            _fields.Refuse("prompt", "is missing: send prompt or messages", ViolationReason.Missing);
        var chat = new ChatRequest
        {
            RequestId = requestId,
            Model = model,
            Conversation = new Conversation { Messages = [] },
            Prompt = new RawPrompt(text ?? "", null, addSpecial ?? !isContent),
            Deadline = deadline,
        };
        return new TokenizeRequest(chat, pieces);
    }

    /// <summary>A chat's own reader takes what is left.</summary>
    private ChatRequest ReadChat(JsonElement body, bool? addSpecial, string requestId, DateTimeOffset deadline)
    {
        if (addSpecial == true)
            _fields.Refuse(
                "add_special_tokens", "is supported as false only where a template writes the prompt", ViolationReason.Unsupported);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
        {
            json.WriteStartObject();
            foreach (var member in body.EnumerateObject().Where(member => member.Name is not ("add_special_tokens" or "add_special"
                or "return_token_strs" or "with_pieces" or "parse_special")))
            {
                json.WritePropertyName(member.Name);
                json.WriteRawValue(member.Value.GetRawText(), skipInputValidation: true);
            }

            json.WriteEndObject();
        }

        using var rest = JsonDocument.Parse(buffer.WrittenMemory, new JsonDocumentOptions { MaxDepth = RequestBody.DepthMax });
        _chat = new ChatCompletionRequestReader(unknown);
        return _chat.Read(rest.RootElement, requestId, deadline).Chat;
    }

    private void ReadUnknown(string field)
    {
        if (unknown == UnknownFields.Refuse)
            _fields.Refuse(field, "is unknown", ViolationReason.Unknown);
        else
            _fields.Ignore(field);
    }
}
