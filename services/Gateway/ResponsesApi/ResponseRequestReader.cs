using System.Buffers;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>
/// The body of a response, by the rules of a chat's: a value that asks for nothing is never a fault, and nothing is ignored in silence.
/// </summary>
internal sealed class ResponseRequestReader
{
    private const int MetadataPairsMax = 16;

    private static readonly string[] Repeated =
        ["tools", "tool_choice", "metadata", "text", "temperature", "top_p", "max_output_tokens", "parallel_tool_calls", "truncation",
            "top_logprobs", "max_tool_calls"];

    /// <summary>What is asked for in addition and is there, or never is.</summary>
    private static readonly string[] Included =
        ["reasoning.encrypted_content", "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
            "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs"];

    private readonly UnknownFields _unknown;
    private readonly RequestFields _fields = new();
    private readonly SamplingFields _sampling;
    private readonly ThinkingFields _thinking;
    private readonly AnswerFields _answer;
    private readonly GuideFields _guide;
    private readonly ResponseTextFields _text;
    private readonly ToolChoiceField _toolChoice;
    private readonly Dictionary<string, string> _repeated = new(StringComparer.Ordinal);
    private ResponseRequest _request;
    private IReadOnlyList<string> _tools = [];
    private string _templateArguments = "";
    private bool _dropsTurns;
    private bool _parallelCalls = true;
    private bool _hasInput;

    public ResponseRequestReader(UnknownFields unknown, string requestId, string responseId, DateTimeOffset deadline)
    {
        _unknown = unknown;
        _sampling = new SamplingFields(_fields);
        _thinking = new ThinkingFields(_fields);
        _answer = new AnswerFields(_fields, ReadUnknown);
        _guide = new GuideFields(_fields);
        _text = new ResponseTextFields(_fields, ReadUnknown);
        _toolChoice = new ToolChoiceField(_fields);
        var chat = new ChatRequest
        {
            RequestId = requestId,
            Conversation = new Conversation { Messages = [] },
            Deadline = deadline,
        };
        _request = new ResponseRequest { Id = responseId, Chat = chat, Items = [] };
    }

    /// <summary>Every fault of the fields' types and names; their values are the pipeline's to judge.</summary>
    public ViolationList Violations => _fields.Violations;

    /// <summary>Fields that were read over and that the answer names.</summary>
    public IReadOnlyCollection<string> Ignored => _fields.Ignored;

    /// <param name="body">The request.</param>
    /// <param name="before">The conversation that the response before has left.</param>
    /// <param name="referenced">Items that references may mean.</param>
    public ResponseRequest Read(
        JsonElement body, IReadOnlyList<ResponseItem> before, IReadOnlyDictionary<string, ResponseItem> referenced)
    {
        var items = new ItemReader(_fields, _request.Id, referenced);
        foreach (var (name, field, value) in _fields.Members("", body))
        {
            if (Repeated.Contains(name))
                _repeated[name] = Compact(value);
            if (name == "input")
            {
                _hasInput = true;
                _request = _request with { Items = [.. before, .. items.Read(field, value)] };
            }
            else if (name is "options" or "extra_body")
            {
                foreach (var (inner, innerField, innerValue) in _fields.Members(field, value))
                    ReadField(inner, innerField, innerValue);
            }
            else
            {
                ReadField(name, field, value);
            }
        }

        if (!_hasInput && before.Count == 0)
            _fields.Refuse("input", "is missing", ViolationReason.Missing);
        else if (!_hasInput)
            _request = _request with { Items = before };
        var sampling = _sampling.Settle(1) with { Guide = _text.Guide ?? _guide.Guide };
        var hasLogprobs = _request.Logprobs || sampling.TopLogprobs > 0;
        return _request with
        {
            Stream = _answer.Stream,
            Logprobs = hasLogprobs,
            Repeated = _repeated,
            Chat = _request.Chat with
            {
                Conversation = new Conversation
                {
                    Messages = ItemConversation.Messages(_request.Instructions, _request.Items, _fields),
                    ToolsJson = _toolChoice.Choice == ToolChoice.None ? [] : _tools,
                    TemplateArgumentsJson = _thinking.Over(_templateArguments),
                },
                Sampling = sampling with { Logprobs = hasLogprobs ? true : sampling.Logprobs },
                Varied = _sampling.IsVaried,
                ToolChoice = _toolChoice.Choice,
                ToolName = _toolChoice.Name,
                AllowedTools = _toolChoice.Allowed,
                ParallelToolCalls = _parallelCalls,
                ReasoningTokensMax = _thinking.TokensMax,
                ReasoningField = _thinking.TokensField,
                FieldsAsSent = _fields.AsSent(),
                DropsOldestTurns = _dropsTurns,
                Stop = _answer.Stop,
                IncludeStop = _answer.IncludeStop,
                TokenPieces = hasLogprobs,
            },
        };
    }

    private void ReadField(string name, string field, JsonElement value)
    {
        var setting = FieldAliases.SettingOf(name);
        if (TryReadOwn(setting, field, value) || TryReadCalls(setting, field, value) || _answer.TryRead(setting, field, value)
            || _sampling.TryRead(setting, field, value) || _thinking.TryRead(setting, field, value)
            || _guide.TryRead(setting, field, value) || OtherFields.TryRead(setting, field, value, _fields))
        {
            return;
        }

        ReadUnknown(field);
    }

    private bool TryReadOwn(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "model":
                _request = _request with { Chat = _request.Chat with { Model = _fields.Text(field, value) ?? "" } };
                return true;
            case "instructions":
                _request = _request with { Instructions = _fields.Text(field, value) };
                return true;
            case "previous_response_id":
                _request = _request with { PreviousResponseId = _fields.Text(field, value) is { Length: > 0 } id ? id : null };
                return true;
            case "store":
                _request = _request with { Store = _fields.Flag(field, value) ?? true };
                return true;
            case "user":
                _request = _request with { User = value.ValueKind == JsonValueKind.String ? value.GetString() : null };
                return true;
            case "metadata":
                ReadMetadata(field, value);
                return true;
            case "text":
                _text.Read(field, value);
                return true;
            case "reasoning":
                ReadReasoning(field, value);
                return true;
            case "truncation":
                ReadTruncation(field, value);
                return true;
            case "include":
                ReadInclude(field, value);
                return true;
            case "n" when !RequestFields.IsNumber(value, 1):
                OtherFields.RefuseValue(field, value, "1", _fields);
                return true;
            case "prompt_logprobs" when value.ValueKind != JsonValueKind.False:
                OtherFields.RefuseValue(field, value, "null", _fields);
                return true;
            case "messages" or "prompt" or "conversation" when !RequestFields.IsEmpty(value):
                _fields.Refuse(field, "is not supported: the conversation is input, and what previous_response_id names",
                    ViolationReason.Unsupported);
                return true;
            case "messages" or "prompt" or "conversation" or "max_tool_calls" or "n" or "prompt_logprobs":
                // Calls of the server's own tools are counted there, and it has none.
                return true;
            case "service_tier" when value.ValueKind == JsonValueKind.String:
                var isTier = RequestFields.IsAnyOf(value, "flex", "priority");
                _request = _request with { ServiceTier = isTier ? value.GetString()! : "default" };
                return _sampling.TryRead(name, field, value);
            default:
                return false;
        }
    }

    private bool TryReadCalls(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "tools":
                _tools = [.. _fields.Items(field, value).Select(item => ResponseTools.Read(item.Field, item.Value, _fields))
                    .OfType<string>()];
                return true;
            case "tool_choice":
                _toolChoice.Read(field, value);
                return true;
            case "parallel_tool_calls":
                _parallelCalls = _fields.Flag(field, value) ?? true;
                return true;
            case "chat_template_kwargs":
                _templateArguments = _fields.ObjectText(field, value) ?? "";
                return true;
            default:
                return false;
        }
    }

    private void ReadMetadata(string path, JsonElement value)
    {
        var pairs = _fields.Members(path, value).ToList();
        if (pairs.Count > MetadataPairsMax)
            _fields.Refuse(path, $"must hold at most {MetadataPairsMax} pairs (it holds {pairs.Count})", ViolationReason.ListTooLong);
        foreach (var (_, field, text) in pairs.Take(MetadataPairsMax))
            _fields.Text(BoundedText.Cut(field, 80), text);
    }

    private void ReadReasoning(string path, JsonElement value)
    {
        foreach (var (name, field, part) in _fields.Members(path, value))
        {
            switch (name)
            {
                case "effort":
                    _thinking.TryReadReasoning(name, field, part);
                    _request = _request with { ReasoningEffort = part.ValueKind == JsonValueKind.String ? part.GetString() : null };
                    break;
                case "summary" or "generate_summary":
                    // The thoughts themselves, whole: nobody writes a shorter text of them.
                    if (RequestFields.IsAnyOf(part, "auto", "detailed"))
                        _request = _request with { ReasoningSummary = part.GetString() };
                    else if (!RequestFields.IsEmpty(part))
                        _fields.Ignore(field);
                    break;
                case "context":
                    // Which thoughts of before are read again is the template's own affair.
                    break;
                default:
                    if (!_thinking.TryReadReasoning(name, field, part))
                        ReadUnknown(field);
                    break;
            }
        }
    }

    private void ReadTruncation(string field, JsonElement value)
    {
        _dropsTurns = RequestFields.Is(value, "auto");
        if (!_dropsTurns && !RequestFields.Is(value, "disabled") && !RequestFields.IsEmpty(value))
            _fields.Refuse(field, "must be 'auto' or 'disabled'");
    }

    private void ReadInclude(string path, JsonElement value)
    {
        foreach (var (field, one) in _fields.Items(path, value))
        {
            if (RequestFields.Is(one, "message.output_text.logprobs"))
                _request = _request with { Logprobs = true };
            else if (!RequestFields.IsAnyOf(one, Included))
                _fields.Refuse(field, "is nothing that can be included");
        }
    }

    /// <summary>Without line breaks, which would break an event's line.</summary>
    private static string Compact(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions with { MaxDepth = RequestBody.DepthMax }))
            value.WriteTo(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void ReadUnknown(string field)
    {
        if (_unknown == UnknownFields.Refuse)
            _fields.Refuse(field, "is unknown", ViolationReason.Unknown);
        else
            _fields.Ignore(field);
    }
}
