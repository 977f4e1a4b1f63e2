using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>
/// The body of a message. A value that asks for nothing is never a fault; one that could change the answer and is not supported is refused
/// by name; a field that nobody knows is refused or told, by setting.
/// </summary>
internal sealed class MessagesRequestReader
{
    private const string Thinking = "thinking";

    private static readonly JsonElement Off = JsonDocument.Parse("false").RootElement;

    private readonly UnknownFields _unknown;
    private readonly bool _isCount;
    private readonly RequestFields _fields = new();
    private readonly SamplingFields _sampling;
    private readonly ThinkingFields _thinking;
    private readonly GuideFields _guide;
    private readonly TurnReader _turns;
    private readonly ToolFields _tools;
    private string[] _system = [];
    private string _model = "";
    private IReadOnlyList<string> _stop = [];
    private bool _stream;
    private bool _hasMessages;
    private bool _hasLimit;
    private bool _thinks;
    private bool _tellsThinking = true;

    /// <param name="unknown">What becomes of fields that nobody knows.</param>
    /// <param name="isCount">Only the prompt's tokens are wanted.</param>
    public MessagesRequestReader(UnknownFields unknown, bool isCount)
    {
        (_unknown, _isCount) = (unknown, isCount);
        _sampling = new SamplingFields(_fields);
        _thinking = new ThinkingFields(_fields);
        _guide = new GuideFields(_fields);
        _turns = new TurnReader(_fields);
        _tools = new ToolFields(_fields);
    }

    /// <summary>Every fault of the fields' types and names; their values are the pipeline's to judge.</summary>
    public ViolationList Violations => _fields.Violations;

    /// <summary>Fields that were read over and that the answer names.</summary>
    public IReadOnlyCollection<string> Ignored => _fields.Ignored;

    public MessagesRequest Read(JsonElement body, string requestId, DateTimeOffset deadline)
    {
        foreach (var (name, field, value) in _fields.Members("", body))
        {
            if (!TryReadChat(name, field, value) && !TryReadAnswer(name, field, value) && !TryReadSampling(name, field, value)
                && !OtherMessageFields.TryRead(name, field, value, _fields))
            {
                ReadUnknown(field);
            }
        }

        if (!_hasMessages)
            _fields.Refuse("messages", "is missing", ViolationReason.Missing);
        if (!_hasLimit && !_isCount)
            _fields.Refuse("max_tokens", "is missing", ViolationReason.Missing);
        // As in the original: who does not ask for thinking gets an answer that begins with its text.
        if (!_thinks)
            _thinking.TryRead("enable_thinking", Thinking, Off);
        var chat = new ChatRequest
        {
            RequestId = requestId,
            Model = _model,
            Conversation = new Conversation
            {
                Messages = WithSystem(),
                ToolsJson = _tools.Choice == ToolChoice.None ? [] : _tools.ToolsJson,
                TemplateArgumentsJson = _thinking.Over(""),
                ContinueFinalMessage = _turns.Continues,
            },
            Sampling = _sampling.Settle(1) with { Guide = _guide.Guide },
            ToolChoice = _tools.Choice,
            ToolName = _tools.Name,
            ReasoningTokensMax = _thinks ? _thinking.TokensMax : null,
            ReasoningField = _thinking.TokensField,
            FieldsAsSent = _fields.AsSent(),
            ParallelToolCalls = _tools.Parallel,
            Stop = _stop,
            Deadline = deadline,
        };
        string[] system = _system.Length > 0 ? ["system"] : [];
        return new MessagesRequest(
            chat, _stream, _thinks && _tellsThinking, _tools.Eager, new FieldPlaces([.. system, .. _turns.Places]));
    }

    private IReadOnlyList<ChatMessage> WithSystem() => _system switch
    {
        [] => _turns.Messages,
        [var text] => [new ChatMessage { Role = "system", Content = text }, .. _turns.Messages],
        _ => [new ChatMessage { Role = "system", Parts = _system }, .. _turns.Messages],
    };

    private bool TryReadChat(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "model":
                _model = _fields.Text(field, value) ?? "";
                return true;
            case "messages":
                _hasMessages = true;
                _turns.Read(field, value);
                return true;
            case "system":
                if (!RequestFields.IsEmpty(value))
                    _system = [.. new BlockReader(_fields).Read(field, value, "system").Select(block => block.Text ?? "")];
                return true;
            case "tools":
                _tools.Read(field, value);
                return true;
            case "tool_choice":
                _tools.ReadChoice(field, value);
                return true;
            case Thinking:
                ReadThinking(field, value);
                return true;
            default:
                return false;
        }
    }

    private bool TryReadAnswer(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "stop_sequences":
                _stop = [.. _fields.Items(field, value).Select(item => _fields.Text(item.Field, item.Value)).OfType<string>()];
                return true;
            case "stream":
                _stream = _fields.Flag(field, value) ?? false;
                return true;
            case "output_config":
                ReadOutput(field, value);
                return true;
            case "output_format":
                ReadFormat(field, value);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Anthropic's settings, and those that other servers have beside them; what has no place in the answer is unknown.</summary>
    private bool TryReadSampling(string name, string field, JsonElement value)
    {
        var setting = FieldAliases.SettingOf(name);
        if (setting is "logprobs" or "top_logprobs" or "prompt_logprobs")
            return false;
        _hasLimit |= setting == "max_tokens";
        if (setting == "temperature" && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var degree)
            && degree is < 0 or > 1)
        {
            _fields.Refuse(field, $"must be between 0 and 1 (it is {RequestFields.NameOf(value)})",
                degree > 1 ? ViolationReason.NumberTooLarge : ViolationReason.NumberTooSmall);
            return true;
        }

        return _sampling.TryRead(setting, field, value);
    }

    private void ReadThinking(string path, JsonElement value)
    {
        _thinking.TryRead(Thinking, path, value);
        if (value.ValueKind != JsonValueKind.Object)
            return;
        _thinks = value.TryGetProperty("type", out var type) && RequestFields.IsAnyOf(type, "enabled", "adaptive", "auto");
        if (!value.TryGetProperty("display", out var display) || display.ValueKind == JsonValueKind.Null)
            return;
        _tellsThinking = !RequestFields.Is(display, "omitted");
        if (!RequestFields.IsAnyOf(display, "omitted", "summarized"))
            OtherFields.RefuseValue($"{path}.display", display, "'summarized' or 'omitted'", _fields);
    }

    private void ReadOutput(string path, JsonElement value)
    {
        foreach (var (name, field, part) in _fields.Members(path, value))
        {
            if (name == "effort")
                _thinking.TryRead("reasoning_effort", field, part);
            else if (name == "format")
                ReadFormat(field, part);
            else
                ReadUnknown(field);
        }
    }

    private void ReadFormat(string path, JsonElement value)
    {
        JsonElement? schema = null;
        foreach (var (name, field, part) in _fields.Members(path, value))
        {
            if (name == "type" && !RequestFields.Is(part, "json_schema"))
                OtherFields.RefuseValue(field, part, "'json_schema'", _fields);
            else if (name == "schema")
                schema = part;
        }

        if (schema is { } given)
            _guide.TryRead("json_schema", $"{path}.schema", given);
        else if (value.ValueKind == JsonValueKind.Object && value.GetPropertyCount() > 0)
            _fields.Refuse($"{path}.schema", "is missing", ViolationReason.Missing);
    }

    private void ReadUnknown(string field)
    {
        if (_unknown == UnknownFields.Refuse)
            _fields.Refuse(field, "is unknown", ViolationReason.Unknown);
        else
            _fields.Ignore(field);
    }
}
