using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>The fields of a request that say how tokens are drawn, and those whose sense depends on them.</summary>
internal sealed class SamplingFields(RequestFields fields)
{
    /// <summary>What a tier that is faster or cheaper than others is worth in the Generator's queue; a key's class goes before.</summary>
    private const int TierPriority = 10;

    private readonly Dictionary<uint, float> _logitBias = [];
    private readonly List<(string Name, string Field, JsonElement Value)> _dependent = [];
    private readonly ProcessorFields _processors = new(fields);
    private SamplingSettings _sampling = new();
    private int? _tier;

    /// <summary>Whether the request asks for sampling without saying how; settled with the settings.</summary>
    public bool IsVaried { get; private set; }

    /// <summary>Reads a field under the name that it has here; false where it is none of these.</summary>
    public bool TryRead(string name, string field, JsonElement value)
    {
        var sampling = name switch
        {
            "temperature" => _sampling with { Temperature = fields.Number(field, value) },
            "top_p" => _sampling with { TopP = fields.Number(field, value) },
            "min_p" => _sampling with { MinP = fields.Number(field, value) },
            "typical_p" => _sampling with { TypicalP = fields.Number(field, value) },
            "top_k" => _sampling with { TopK = ReadTopK(field, value) },
            "repetition_penalty" => _sampling with { RepetitionPenalty = fields.Number(field, value) },
            "presence_penalty" => _sampling with { PresencePenalty = fields.Number(field, value) },
            "frequency_penalty" => _sampling with { FrequencyPenalty = fields.Number(field, value) },
            "no_repeat_ngram_size" => _sampling with { NoRepeatNgramSize = fields.Unsigned(field, value) },
            "seed" => _sampling with { Seed = fields.Seed(field, value) },
            "max_tokens" => _sampling with { MaxTokens = fields.Limit(field, value) },
            "min_tokens" => _sampling with { MinTokens = fields.Unsigned(field, value) },
            "ignore_eos" => _sampling with { IgnoreEos = fields.Flag(field, value) },
            "stop_token_ids" => _sampling with { StopTokenIds = fields.Ids(field, value) },
            "allowed_token_ids" => _sampling with { AllowedTokenIds = fields.Ids(field, value) },
            "banned_token_ids" => _sampling with { BannedTokenIds = fields.Ids(field, value) },
            // Some servers count here what top_logprobs counts elsewhere; none of it is none.
            "logprobs" => _sampling with { Logprobs = RequestFields.IsNumber(value, 0) ? false : fields.Flag(field, value) },
            "prompt_logprobs" => _sampling with { PromptLogprobs = ReadPromptLogprobs(field, value) },
            "top_logprobs" => _sampling with { TopLogprobs = fields.Unsigned(field, value) },
            "draft_tokens" => _sampling with { DraftTokens = fields.Unsigned(field, value) },
            "priority" => _sampling with { Priority = fields.Integer(field, value) },
            // Changes the speed and not the answer: of a predicted text much stands in the prompt, where drafts are found.
            "prediction" => _sampling with { WantsDrafts = !RequestFields.IsEmpty(value) },
            _ => null,
        };
        if (sampling is not null)
        {
            fields.Claim(name, field, value);
            _sampling = sampling;
            return true;
        }

        return TryReadDependent(name, field, value);
    }

    /// <summary>The settings, when all fields have been read.</summary>
    /// <param name="choices">Answers that the request asks for.</param>
    public SamplingSettings Settle(uint choices)
    {
        foreach (var (name, field, value) in _dependent)
        {
            switch (name)
            {
                case "best_of" when !RequestFields.IsNumber(value, 1) && !RequestFields.IsNumber(value, choices):
                    OtherFields.RefuseValue(field, value, "1 or the value of n", fields);
                    break;
                case "do_sample" when fields.Flag(field, value) == false:
                    _sampling = _sampling with { Temperature = 0 };
                    break;
                case "do_sample":
                    IsVaried = value.ValueKind == JsonValueKind.True;
                    break;
                case "penalize_nl" when HasPenalties && value.ValueKind != JsonValueKind.True:
                    OtherFields.RefuseValue(field, value, "true", fields);
                    break;
            }
        }

        return _sampling with
        {
            Priority = _sampling.Priority ?? _tier,
            LogitBias = _logitBias,
            Processors = _processors.Settle(HasPenalties),
        };
    }

    private bool HasPenalties => _sampling.RepetitionPenalty is not (null or 1) || _sampling.PresencePenalty is not (null or 0)
        || _sampling.FrequencyPenalty is not (null or 0);

    /// <summary>What is judged when the rest is known.</summary>
    private bool TryReadDependent(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "logit_bias":
                ReadLogitBias(field, value);
                return true;
            case "service_tier":
                _tier = RequestFields.Is(value, "flex") ? -TierPriority : RequestFields.Is(value, "priority") ? TierPriority : null;
                return true;
            case "best_of" or "do_sample":
                _dependent.Add((name, field, value));
                return true;
            case "penalize_nl" or "penalize_newline":
                _dependent.Add(("penalize_nl", field, value));
                return true;
            default:
                return _processors.TryRead(name, field, value);
        }
    }

    /// <summary>−1 means off in other servers; 0 does here.</summary>
    private uint? ReadTopK(string field, JsonElement value) => RequestFields.IsNumber(value, -1) ? 0 : fields.Unsigned(field, value);

    /// <summary>vLLM's; false is none, and −1, the whole vocabulary, is more than there is.</summary>
    private uint? ReadPromptLogprobs(string field, JsonElement value) =>
        value.ValueKind == JsonValueKind.False ? null : fields.Unsigned(field, value);

    private void ReadLogitBias(string path, JsonElement value)
    {
        foreach (var (name, field, bias) in fields.Members(path, value))
        {
            if (!uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                fields.Refuse(BoundedText.Cut(field, 60), "must be named by a token id");
            else if (fields.Number(field, bias) is { } number)
                _logitBias[id] = number;
        }
    }
}
