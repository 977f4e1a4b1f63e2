using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Completions;

/// <summary>
/// The body of a completion, by the rules of a chat's: a value that asks for nothing is never a fault, and nothing is ignored in silence.
/// </summary>
internal sealed class CompletionRequestReader
{
    /// <summary>As OpenAI's, where nothing is said.</summary>
    private const uint MaxTokensDefault = 16;

    /// <summary>What belongs to chats: empty it asks for nothing.</summary>
    private static readonly string[] ChatFields =
        ["messages", "tools", "chat_template_kwargs", "documents", "continue_final_message", "add_generation_prompt"];

    private readonly GatewayOptions _options;
    private readonly RequestFields _fields = new();
    private readonly SamplingFields _sampling;
    private readonly GuideFields _guide;
    private readonly AnswerFields _answer;
    private IReadOnlyList<RawPrompt> _prompts = [];
    private string _model = "";
    private uint? _bestOf;
    private uint? _logprobs;
    private bool _echo;
    private bool _hasPrompt;
    private bool _hasMaxTokens;
    private bool _addSpecialTokens = true;

    public CompletionRequestReader(GatewayOptions options)
    {
        _options = options;
        _sampling = new SamplingFields(_fields);
        _guide = new GuideFields(_fields);
        _answer = new AnswerFields(_fields, ReadUnknown);
    }

    /// <summary>Every fault of the fields' types and names; their values are the pipeline's to judge.</summary>
    public ViolationList Violations => _fields.Violations;

    /// <summary>Fields that were read over and that the answer names.</summary>
    public IReadOnlyCollection<string> Ignored => _fields.Ignored;

    public CompletionRequest Read(JsonElement body, string requestId, DateTimeOffset deadline)
    {
        foreach (var (name, field, value) in _fields.Settings(body))
            ReadField(name, field, value);

        if (!_hasPrompt)
            _fields.Refuse("prompt", "is missing", ViolationReason.Missing);
        var bestOf = SettleBestOf();
        CheckCounts(bestOf);
        var sampling = SettleSampling(bestOf);
        var asSent = _fields.AsSent();
        // Also without a prompt, so that everything else is judged.
        var prompts = _prompts.Count > 0 ? _prompts : [new RawPrompt("", null)];
        return new CompletionRequest
        {
            Prompts = [.. prompts.Select(prompt => new ChatRequest
            {
                RequestId = requestId,
                Model = _model,
                // The answer goes the prompt's text on.
                Conversation = new Conversation { Messages = [], ContinueFinalMessage = true },
                Prompt = prompt with { AddSpecialTokens = _addSpecialTokens },
                Sampling = sampling,
                Varied = _sampling.IsVaried,
                Stop = _answer.Stop,
                IncludeStop = _answer.IncludeStop,
                Choices = bestOf,
                TokenPieces = _logprobs is not null,
                FieldsAsSent = asSent,
                Deadline = deadline,
            })],
            Choices = _answer.Choices,
            BestOf = bestOf,
            Echo = _echo,
            Logprobs = _logprobs,
            Stream = _answer.Stream,
            IncludeUsage = _answer.IncludeUsage,
        };
    }

    private uint SettleBestOf()
    {
        if (_bestOf is not { } bestOf || bestOf == _answer.Choices)
            return _answer.Choices;
        if (bestOf < _answer.Choices)
            _fields.Refuse("best_of", $"must be at least n (it is {bestOf}, and n is {_answer.Choices})", ViolationReason.IntegerTooSmall);
        else if (_answer.Stream)
            _fields.Refuse("best_of", "chooses among whole answers: it contradicts stream");
        else if (bestOf > _options.ChoicesMax)
            _fields.Refuse("best_of", $"must be at most {_options.ChoicesMax} (it is {bestOf})", ViolationReason.IntegerTooLarge);
        else
            return bestOf;
        return _answer.Choices;
    }

    private void CheckCounts(uint bestOf)
    {
        if (_prompts.Count > _options.PromptsMax)
            _fields.Refuse("prompt", $"must hold at most {_options.PromptsMax} prompts (it holds {_prompts.Count})",
                ViolationReason.ListTooLong);
        else if (_prompts.Count > 1 && bestOf <= _options.ChoicesMax && _prompts.Count * (long)bestOf > _options.ConcurrentChoicesMax)
            _fields.Refuse("prompt", $"and n make {_prompts.Count * (long)bestOf} answers; at most {_options.ConcurrentChoicesMax} are "
                + "served at once", ViolationReason.ListTooLong);
        if (_logprobs > _options.TopLogprobsMax)
            _fields.Refuse("logprobs", $"must be at most {_options.TopLogprobsMax} (it is {_logprobs})", ViolationReason.IntegerTooLarge);
    }

    private SamplingSettings SettleSampling(uint bestOf)
    {
        var sampling = _sampling.Settle(_answer.Choices) with { Guide = _guide.Guide };
        var isJudgedOnly = _echo && sampling.MaxTokens == 0;
        return sampling with
        {
            MaxTokens = _hasMaxTokens ? sampling.MaxTokens : MaxTokensDefault,
            // Whoever chooses the likeliest has to know how likely they are.
            Logprobs = _logprobs is not null || bestOf > _answer.Choices ? true : null,
            TopLogprobs = _logprobs,
            // An answer of no tokens is one of the prompt's judging.
            PromptLogprobs = _echo && _logprobs is not null ? _logprobs : isJudgedOnly ? 0 : null,
        };
    }

    private void ReadField(string name, string field, JsonElement value)
    {
        var setting = FieldAliases.SettingOf(name);
        if (TryReadOwn(setting, field, value) || TryReadForeign(setting, field, value) || _answer.TryRead(setting, field, value)
            || _sampling.TryRead(setting, field, value) || _guide.TryRead(setting, field, value)
            || OtherFields.TryRead(setting, field, value, _fields))
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
                _model = _fields.Text(field, value) ?? "";
                return true;
            case "prompt":
                _hasPrompt = true;
                _prompts = PromptFields.Read(field, value, _fields);
                return true;
            case "echo":
                _echo = _fields.Flag(field, value) ?? false;
                return true;
            case "best_of":
                _bestOf = _fields.Unsigned(field, value);
                return true;
            case "logprobs":
                _logprobs = value.ValueKind == JsonValueKind.False ? null : _fields.Unsigned(field, value);
                return true;
            case "add_special_tokens":
                _addSpecialTokens = _fields.Flag(field, value) ?? true;
                return true;
            case "max_tokens":
                _hasMaxTokens = true;
                return _sampling.TryRead(name, field, value);
            default:
                return false;
        }
    }

    /// <summary>What has another place here, or none.</summary>
    private bool TryReadForeign(string name, string field, JsonElement value)
    {
        if (name is "top_logprobs" or "prompt_logprobs")
        {
            if (!RequestFields.IsNumber(value, 0) && value.ValueKind != JsonValueKind.False)
                _fields.Refuse(field, "is not a field of completions: logprobs is the number, and echo adds the prompt's own",
                    ViolationReason.Unsupported);
            return true;
        }

        if (name == "suffix" && !RequestFields.IsEmpty(value))
        {
            _fields.Refuse(field, "is not supported: the model writes from left to right and cannot know what comes behind",
                ViolationReason.Unsupported);
            return true;
        }

        if (!ChatFields.Contains(name))
            return false;
        if (!RequestFields.IsEmpty(value) && value.ValueKind != JsonValueKind.False)
            _fields.Refuse(
                field, "belongs to POST /v1/chat/completions: here the prompt is taken as it stands", ViolationReason.Unsupported);
        return true;
    }

    private void ReadUnknown(string field)
    {
        if (_options.UnknownFields == UnknownFields.Refuse)
            _fields.Refuse(field, "is unknown", ViolationReason.Unknown);
        else
            _fields.Ignore(field);
    }
}
