using System.Text.Json;
using System.Text.RegularExpressions;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>The fields that chats and prompts have alike: model, options, format, thinking, and how the answer is sent.</summary>
internal sealed partial class SettingFields
{
    private readonly UnknownFields _unknown;
    private readonly SamplingFields _sampling;
    private readonly ThinkingFields _thinking;
    private readonly GuideFields _guide;
    private IReadOnlyList<string> _stop = [];
    private string _model = "";
    private uint? _contextTokens;
    private uint? _topLogprobs;
    private bool _logprobs;
    private bool _truncates = true;

    public SettingFields(UnknownFields unknown)
    {
        _unknown = unknown;
        _sampling = new SamplingFields(Fields);
        _thinking = new ThinkingFields(Fields);
        _guide = new GuideFields(Fields);
    }

    /// <summary>Reads values, and holds every fault of their types and names.</summary>
    public RequestFields Fields { get; } = new();

    /// <summary>Whether the answer comes line by line: unless it is said otherwise.</summary>
    public bool Stream { get; private set; } = true;

    /// <summary>Reads a field; one that is none of these and that nobody knows is refused or told.</summary>
    public void Read(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "model" or "name":
                _model = Fields.Text(field, value) ?? "";
                break;
            case "stream":
                Stream = Fields.Flag(field, value) ?? true;
                break;
            case "options":
                ReadOptions(field, value);
                break;
            case "format":
                _guide.TryRead(name, field, value);
                break;
            case "think":
                _thinking.TryRead(name, field, value);
                break;
            case "keep_alive":
                ReadKeepAlive(field, value);
                break;
            case "logprobs":
                _logprobs = Fields.Flag(field, value) == true;
                break;
            case "top_logprobs":
                _topLogprobs = Fields.Unsigned(field, value);
                break;
            case "truncate":
                _truncates = Fields.Flag(field, value) ?? true;
                break;
            case "shift":
                // An answer ends with its context; to go on without its beginning is not done.
                if (Fields.Flag(field, value) == true)
                    Fields.Ignore(field);
                break;
            case "_debug_render_only":
                if (Fields.Flag(field, value) == true)
                    OtherFields.RefuseValue(field, value, "false", Fields);
                break;
            default:
                ReadUnknown(field);
                break;
        }
    }

    /// <summary>What was read, as a request without its conversation.</summary>
    public ChatRequest Settle(string requestId, DateTimeOffset deadline, IReadOnlyList<string>? servedNames) => new()
    {
        RequestId = requestId,
        Model = OllamaNames.OfModel(_model, servedNames),
        Conversation = new Conversation { Messages = [], TemplateArgumentsJson = _thinking.Over("") },
        Sampling = _sampling.Settle(1) with
        {
            Guide = _guide.Guide,
            Logprobs = _logprobs ? true : null,
            TopLogprobs = _logprobs ? _topLogprobs : null,
        },
        Stop = _stop,
        TokenPieces = _logprobs,
        DropsOldestTurns = _truncates,
        ContextTokensMax = _contextTokens,
        FieldsAsSent = Fields.AsSent(),
        Deadline = deadline,
    };

    private void ReadOptions(string path, JsonElement options)
    {
        foreach (var (name, field, value) in Fields.Members(path, options))
        {
            var setting = FieldAliases.SettingOf(name);
            switch (setting)
            {
                case "num_ctx":
                    _contextTokens = Fields.Limit(field, value) is { } tokens and > 0 ? tokens : null;
                    break;
                case "stop":
                    Fields.Claim(setting, field, value);
                    ReadStop(field, value);
                    break;
                case "seed" when RequestFields.IsNumber(value, -1):
                    // One that is drawn.
                    break;
                case "draft_num_predict" or "vocab_only" or "embedding_only" or "logits_all":
                    Fields.Ignore(field);
                    break;
                default:
                    if (!_sampling.TryRead(setting, field, value) && !OtherFields.TryRead(setting, field, value, Fields))
                        ReadUnknown(field);
                    break;
            }
        }
    }

    private void ReadStop(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            _stop = RequestFields.IsEmpty(value) ? [] : [value.GetString()!];
        else
            _stop = [.. Fields.Items(field, value).Select(item => Fields.Text(item.Field, item.Value)).OfType<string>()];
    }

    /// <summary>The model stays loaded whatever is said; who asks for it to go hears of that.</summary>
    private void ReadKeepAlive(string field, JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (value.ValueKind == JsonValueKind.Number ? RequestFields.IsNumber(value, 0) : NoTime().IsMatch(text))
            Fields.Ignore(field);
        else if (value.ValueKind == JsonValueKind.String && text.Length > 0 && !Time().IsMatch(text))
            Fields.Refuse(field, "must be a number of seconds or a time such as 10m or 1h30m");
        else if (value.ValueKind is not (JsonValueKind.Number or JsonValueKind.String))
            Fields.RefuseType(field, "a number of seconds or a time such as 10m", value);
    }

    private void ReadUnknown(string field)
    {
        if (_unknown == UnknownFields.Refuse)
            Fields.Refuse(field, "is unknown", ViolationReason.Unknown);
        else
            Fields.Ignore(field);
    }

    [GeneratedRegex(@"^[-+]?(0|([0-9]{1,12}(\.[0-9]{0,12})?(ns|us|µs|ms|s|m|h)){1,8})\z", RegexOptions.CultureInvariant)]
    private static partial Regex Time();

    [GeneratedRegex(@"^[-+]?(0|(0(\.0*)?(ns|us|µs|ms|s|m|h)){1,8})\z", RegexOptions.CultureInvariant)]
    private static partial Regex NoTime();
}
