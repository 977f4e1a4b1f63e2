using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// The body of a chat completion. A field that could change the text and is not supported is refused by name: nothing is ignored in
/// silence.
/// </summary>
internal sealed class ChatCompletionRequestReader
{
    private readonly RequestFields _fields = new();
    private readonly Dictionary<uint, float> _logitBias = [];
    private SamplingSettings _sampling = new();
    private Conversation _conversation = new() { Messages = [] };
    private string _model = "";
    private IReadOnlyList<string> _stop = [];
    private bool _includeStop;
    private uint _choices = 1;
    private bool _stream;
    private bool _includeUsage;
    private bool _withoutTools;

    /// <summary>Every fault of the fields' types and names; their values are the pipeline's to judge.</summary>
    public IReadOnlyList<ChatViolation> Violations => _fields.Violations;

    public ChatCompletionRequest Read(JsonElement body, string requestId, DateTimeOffset deadline)
    {
        foreach (var (name, field, value) in _fields.Members("", body))
        {
            if (!TryReadChat(name, field, value) && !TryReadSampling(name, field, value) && !TryReadAnswer(name, field, value))
                ReadOther(name, field, value);
        }

        var chat = new ChatRequest
        {
            RequestId = requestId,
            Model = _model,
            Conversation = _withoutTools ? _conversation with { ToolsJson = [] } : _conversation,
            Sampling = _sampling with { LogitBias = _logitBias },
            Stop = _stop,
            IncludeStop = _includeStop,
            Choices = _choices,
            Deadline = deadline,
        };
        return new ChatCompletionRequest(chat, _stream, _includeUsage);
    }

    private bool TryReadChat(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "model":
                _model = _fields.Text(field, value) ?? "";
                return true;
            case "messages":
                _conversation = _conversation with
                {
                    Messages = [.. _fields.Items(field, value).Select(item => MessageReader.Read(item.Field, item.Value, _fields))],
                };
                return true;
            case "tools":
                _conversation = _conversation with { ToolsJson = ObjectTexts(field, value) };
                return true;
            case "documents":
                _conversation = _conversation with { DocumentsJson = ObjectTexts(field, value) };
                return true;
            case "tool_choice":
                _withoutTools = RequestFields.Is(value, "none");
                if (!_withoutTools && !RequestFields.Is(value, "auto"))
                    _fields.Refuse(field, "is supported as 'auto' and 'none' only");
                return true;
            case "chat_template_kwargs":
                _conversation = _conversation with { TemplateArgumentsJson = _fields.ObjectText(field, value) ?? "" };
                return true;
            case "add_generation_prompt":
                _conversation = _conversation with { AddGenerationPrompt = _fields.Flag(field, value) };
                return true;
            case "continue_final_message":
                _conversation = _conversation with { ContinueFinalMessage = _fields.Flag(field, value) ?? false };
                return true;
            default:
                return false;
        }
    }

    private bool TryReadSampling(string name, string field, JsonElement value)
    {
        var sampling = name switch
        {
            "temperature" => _sampling with { Temperature = _fields.Number(field, value) },
            "top_p" => _sampling with { TopP = _fields.Number(field, value) },
            "min_p" => _sampling with { MinP = _fields.Number(field, value) },
            "typical_p" => _sampling with { TypicalP = _fields.Number(field, value) },
            "top_k" => _sampling with { TopK = ReadTopK(field, value) },
            "repetition_penalty" => _sampling with { RepetitionPenalty = _fields.Number(field, value) },
            "presence_penalty" => _sampling with { PresencePenalty = _fields.Number(field, value) },
            "frequency_penalty" => _sampling with { FrequencyPenalty = _fields.Number(field, value) },
            "no_repeat_ngram_size" => _sampling with { NoRepeatNgramSize = _fields.Unsigned(field, value) },
            "seed" => _sampling with { Seed = _fields.Seed(field, value) },
            "max_tokens" or "max_completion_tokens" => _sampling with { MaxTokens = ReadMaxTokens(field, value) },
            "min_tokens" => _sampling with { MinTokens = _fields.Unsigned(field, value) },
            "ignore_eos" => _sampling with { IgnoreEos = _fields.Flag(field, value) },
            "stop_token_ids" => _sampling with { StopTokenIds = _fields.Ids(field, value) },
            "allowed_token_ids" => _sampling with { AllowedTokenIds = _fields.Ids(field, value) },
            "logprobs" => _sampling with { Logprobs = _fields.Flag(field, value) },
            "top_logprobs" => _sampling with { TopLogprobs = _fields.Unsigned(field, value) },
            "draft_tokens" => _sampling with { DraftTokens = _fields.Unsigned(field, value) },
            "priority" => _sampling with { Priority = _fields.Integer(field, value) },
            _ => null,
        };
        if (name == "logit_bias")
            ReadLogitBias(field, value);
        _sampling = sampling ?? _sampling;
        return sampling is not null || name == "logit_bias";
    }

    private bool TryReadAnswer(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "n":
                _choices = _fields.Unsigned(field, value) ?? 1;
                return true;
            case "stop":
                _stop = value.ValueKind == JsonValueKind.String
                    ? [value.GetString()!]
                    : [.. _fields.Items(field, value).Select(item => _fields.Text(item.Field, item.Value)).OfType<string>()];
                return true;
            case "include_stop_str_in_output":
                _includeStop = _fields.Flag(field, value) ?? false;
                return true;
            case "stream":
                _stream = _fields.Flag(field, value) ?? false;
                return true;
            case "stream_options":
                ReadStreamOptions(field, value);
                return true;
            default:
                return false;
        }
    }

    private void ReadOther(string name, string field, JsonElement value)
    {
        switch (name)
        {
            // They say who asks and how to account for it, and cannot change the text.
            case "user" or "metadata" or "service_tier" or "safety_identifier" or "prompt_cache_key" or "prompt_cache_retention":
            case "store" when value.ValueKind == JsonValueKind.False:
            case "parallel_tool_calls" when value.ValueKind == JsonValueKind.True:
                return;
            case "response_format" when IsText(value):
            case "modalities" when value.ValueKind == JsonValueKind.Array
                && value.EnumerateArray().All(mode => RequestFields.Is(mode, "text")):
                return;
            case "response_format":
                _fields.Refuse(field, "is supported with type 'text' only");
                return;
            case "store" or "parallel_tool_calls" or "modalities" or "audio" or "prediction" or "reasoning_effort" or "verbosity"
                or "functions" or "function_call" or "web_search_options" or "moderation" or "best_of" or "echo" or "chat_template":
                _fields.Refuse(field, "is not supported with this value here");
                return;
            default:
                _fields.Refuse(field, "is unknown");
                return;
        }
    }

    private static bool IsText(JsonElement format) =>
        format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type", out var type) && RequestFields.Is(type, "text");

    private void ReadStreamOptions(string path, JsonElement options)
    {
        foreach (var (name, field, value) in _fields.Members(path, options))
        {
            if (name == "include_usage")
                _includeUsage = _fields.Flag(field, value) ?? false;
            else if (name != "include_obfuscation")
                _fields.Refuse(field, "is unknown");
        }
    }

    /// <summary>−1 means off in other servers; 0 does here.</summary>
    private uint? ReadTopK(string field, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number == -1 ? 0 : _fields.Unsigned(field, value);

    private uint? ReadMaxTokens(string field, JsonElement value)
    {
        var limit = _fields.Unsigned(field, value);
        if (limit is not null && _sampling.MaxTokens is { } other && other != limit)
            _fields.Refuse(field, "contradicts its other name (max_tokens and max_completion_tokens are one)");
        return limit ?? _sampling.MaxTokens;
    }

    private void ReadLogitBias(string path, JsonElement value)
    {
        foreach (var (name, field, bias) in _fields.Members(path, value))
        {
            if (!uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                _fields.Refuse(field, "must be named by a token id");
            else if (_fields.Number(field, bias) is { } number)
                _logitBias[id] = number;
        }
    }

    private IReadOnlyList<string> ObjectTexts(string field, JsonElement value) =>
        [.. _fields.Items(field, value).Select(item => _fields.ObjectText(item.Field, item.Value)).OfType<string>()];
}
