using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// The rare settings of sampling, under the names of transformers, vLLM and llama.cpp. A setting that is off, and what belongs to it, is
/// not passed on: it asks for nothing.
/// </summary>
internal sealed class ProcessorFields(RequestFields fields)
{
    private const int BadWordsMax = 64;
    private const int BadWordCharactersMax = 256;

    /// <summary>As the Tokenizer has it.</summary>
    private const int BreakersMax = 32;
    private const int BreakerCharactersMax = 40;

    /// <summary>What llama.cpp breaks sequences at where DRY is on and nothing is said.</summary>
    private static readonly string[] DefaultBreakers = ["\n", ":", "\"", "*"];

    private ProcessorSettings _settings = new();
    private bool _hasBreakers;

    /// <summary>Reads a field under the name that it has here; false where it is none of these.</summary>
    public bool TryRead(string name, string field, JsonElement value)
    {
        var settings = name switch
        {
            "top_n_sigma" => _settings with { TopNSigma = RequestFields.IsNumber(value, -1) ? null : fields.Number(field, value) },
            "top_h" => _settings with { TopH = fields.Number(field, value) },
            "epsilon_cutoff" => _settings with { EpsilonCutoff = fields.Number(field, value) },
            "eta_cutoff" => _settings with { EtaCutoff = fields.Number(field, value) },
            "encoder_repetition_penalty" => _settings with { EncoderRepetitionPenalty = fields.Number(field, value) },
            "dry_multiplier" => _settings with { DryMultiplier = fields.Number(field, value) },
            "dry_base" => _settings with { DryBase = fields.Number(field, value) },
            "dry_allowed_length" => _settings with { DryAllowedLength = fields.Unsigned(field, value) },
            "dry_penalty_last_n" => _settings with { DryPenaltyLastN = LastN(field, value) },
            "xtc_probability" => _settings with { XtcProbability = fields.Number(field, value) },
            "xtc_threshold" => _settings with { XtcThreshold = fields.Number(field, value) },
            "dynatemp_range" => _settings with { DynatempRange = fields.Number(field, value) },
            "dynatemp_exponent" => _settings with { DynatempExponent = fields.Number(field, value) },
            "mirostat" => _settings with { Mirostat = fields.Unsigned(field, value) },
            "mirostat_tau" => _settings with { MirostatTau = fields.Number(field, value) },
            "mirostat_eta" => _settings with { MirostatEta = fields.Number(field, value) },
            "repeat_last_n" => _settings with { PenaltyLastN = LastN(field, value) },
            "forced_bos_token_id" => _settings with { ForcedBosTokenId = fields.Unsigned(field, value) },
            "exponential_decay_length_penalty" => _settings with { ExponentialDecay = ReadDecay(field, value) },
            _ => null,
        };
        if (settings is null)
            return TryReadList(name, field, value);
        // The contract has llama.cpp's setting under the name that its other servers give it.
        fields.Claim(name == "repeat_last_n" ? "penalty_last_n" : name, field, value);
        _settings = settings;
        return true;
    }

    /// <summary>What of it is on, when all fields have been read; null is nothing.</summary>
    /// <param name="hasPenalties">A penalty is on, which a number of last tokens can bound.</param>
    public ProcessorSettings? Settle(bool hasPenalties)
    {
        if (_settings.TopNSigma is 0)
            _settings = _settings with { TopNSigma = null };
        if (!hasPenalties)
            _settings = _settings with { PenaltyLastN = null };
        if (_settings.DryMultiplier is null or 0)
        {
            _settings = _settings with
            {
                DryMultiplier = null,
                DryBase = null,
                DryAllowedLength = null,
                DryPenaltyLastN = null,
                DryBreakers = [],
            };
        }
        else if (!_hasBreakers)
        {
            _settings = _settings with { DryBreakers = DefaultBreakers };
        }

        if (_settings.XtcProbability is null or 0)
            _settings = _settings with { XtcProbability = null, XtcThreshold = null };
        if (_settings.DynatempRange is null or 0)
            _settings = _settings with { DynatempRange = null, DynatempExponent = null };
        if (_settings.Mirostat is null or 0)
            _settings = _settings with { Mirostat = null, MirostatTau = null, MirostatEta = null };
        return IsNothing(_settings) ? null : _settings;
    }

    /// <summary>An empty list is none, whichever it is.</summary>
    private static bool IsNothing(ProcessorSettings settings) =>
        settings is { BadWords.Count: 0, BadRuns.Count: 0, SequenceBias.Count: 0, ForcedEosTokenIds.Count: 0, DryBreakers.Count: 0 }
        && settings with { BadWords = [], BadRuns = [], SequenceBias = [], ForcedEosTokenIds = [], DryBreakers = [] }
            == new ProcessorSettings();

    private bool TryReadList(string name, string field, JsonElement value)
    {
        switch (name)
        {
            case "bad_words":
                _settings = _settings with { BadWords = ReadTexts(field, value, BadWordsMax, BadWordCharactersMax) };
                return true;
            case "bad_words_ids":
                _settings = _settings with { BadRuns = ReadRuns(field, value) };
                return true;
            case "sequence_bias":
                _settings = _settings with { SequenceBias = ReadBiases(field, value) };
                return true;
            case "forced_eos_token_id":
                _settings = _settings with
                {
                    ForcedEosTokenIds = value.ValueKind == JsonValueKind.Number
                        ? [.. fields.Unsigned(field, value) is { } id ? [id] : Array.Empty<uint>()] : [.. fields.Ids(field, value)],
                };
                return true;
            case "dry_sequence_breakers":
                _hasBreakers = true;
                _settings = _settings with { DryBreakers = ReadTexts(field, value, BreakersMax, BreakerCharactersMax) };
                return true;
            default:
                return false;
        }
    }

    /// <summary>−1 is the whole text.</summary>
    private uint? LastN(string field, JsonElement value) => RequestFields.IsNumber(value, -1) ? null : fields.Unsigned(field, value);

    private (uint Start, float Factor)? ReadDecay(string field, JsonElement value)
    {
        var items = fields.Items(field, value).ToList();
        if (items.Count != 2)
        {
            if (items.Count > 0)
                fields.Refuse(field, "must be two numbers: tokens and factor");
            return null;
        }

        return (fields.Unsigned(items[0].Field, items[0].Value), fields.Number(items[1].Field, items[1].Value)) is ({ } start, { } factor)
            ? (start, factor) : null;
    }

    private string[] ReadTexts(string field, JsonElement value, int textsMax, int charactersMax)
    {
        string[] texts = [.. fields.Items(field, value).Select(item => fields.Text(item.Field, item.Value)).OfType<string>()];
        if (texts.Length > textsMax)
            fields.Refuse(field, $"must hold at most {textsMax} strings (it holds {texts.Length})", ViolationReason.ListTooLong);
        for (var i = 0; i < Math.Min(texts.Length, textsMax); i++)
        {
            // A space alone breaks a sequence; as a bad word it is nothing.
            if (texts[i].Length == 0 || (charactersMax == BadWordCharactersMax && texts[i].Trim().Length == 0))
                fields.Refuse($"{field}[{i}]", "must not be empty", ViolationReason.TextTooShort);
            if (texts[i].Length > charactersMax)
            {
                fields.Refuse($"{field}[{i}]", $"must have at most {charactersMax} characters (it has {texts[i].Length})",
                    ViolationReason.TextTooLong);
            }
        }

        return texts;
    }

    private List<uint[]> ReadRuns(string field, JsonElement value)
    {
        var runs = new List<uint[]>();
        foreach (var item in fields.Items(field, value))
            runs.Add([.. fields.Ids(item.Field, item.Value)]);
        return runs;
    }

    private List<(uint[] Run, float Bias)> ReadBiases(string field, JsonElement value)
    {
        var biases = new List<(uint[] Run, float Bias)>();
        foreach (var item in fields.Items(field, value))
        {
            var pair = fields.Items(item.Field, item.Value).ToList();
            if (pair.Count != 2)
                fields.Refuse(item.Field, "must be a list of ids and a number");
            else if (fields.Number(pair[1].Field, pair[1].Value) is { } bias)
                biases.Add(([.. fields.Ids(pair[0].Field, pair[0].Value)], bias));
        }

        return biases;
    }
}
