using System.Collections.Frozen;
using System.Security.Cryptography;
using Google.Protobuf.Collections;
using Google.Rpc;
using Parley.Generator.Model;
using Parley.Generator.Sequences;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>
/// Reads a request's sampling settings: the one place where an unset field gets its meaning. The model's generation_config.json decides
/// as <c>generate</c> does. Without <c>do_sample</c> there it is greedy; any sampling field in the request (temperature, top_k, top_p,
/// min_p, typical_p, seed, a filter of the processors that is on) means sampling, and temperature 0 means greedy. Sampling has temperature
/// 1 and top-k 50 where neither says otherwise: these are the reference's own defaults.
/// </summary>
internal sealed class SamplingReader(GenerationDefaults defaults, GeneratorOptions options, int vocabularySize)
{
    private const string Prefix = "sampling.";
    private const float DefaultTemperature = 1;
    private const int NgramMax = 1024;
    private const int PriorityMax = 100;

    private readonly ProcessorReader _processors = new(defaults, options, vocabularySize);

    /// <summary>What a request without any setting means, as Describe tells it.</summary>
    public Wire.SamplingParameters Describe()
    {
        var parameters = Read(new Wire.SamplingParameters(), int.MaxValue, []);
        var described = new Wire.SamplingParameters
        {
            Temperature = parameters.Sample ? parameters.Temperature : 0,
            TopK = (uint)parameters.TopK,
            TopP = parameters.TopP,
            MinP = parameters.MinP,
            TypicalP = parameters.TypicalP,
            RepetitionPenalty = parameters.RepetitionPenalty,
            PresencePenalty = 0,
            FrequencyPenalty = 0,
            NoRepeatNgramSize = (uint)parameters.NoRepeatNgramSize,
            MaxTokens = (uint)parameters.MaxTokens,
            MinTokens = (uint)parameters.MinTokens,
            IgnoreEos = false,
            Logprobs = false,
            TopLogprobs = 0,
            TraceCandidates = 0,
            Priority = 0,
            Processors = _processors.Describe(),
        };

        described.BannedTokenIds.Add(parameters.BannedTokenIds.Select(id => (uint)id));
        // What is free depends on who else is there: no number says it.
        if (!parameters.FreeDraftsOnly)
            described.DraftTokens = (uint)parameters.DraftTokens;
        return described;
    }

    /// <summary>Reads the settings and adds everything wrong with them to the violations.</summary>
    /// <param name="wire">As sent.</param>
    /// <param name="contextTokensLeft">Tokens that the answer can have.</param>
    /// <param name="violations">Grows.</param>
    /// <param name="promptLength">Tokens of the prompt, which lengths of the model's defaults count too.</param>
    /// <param name="resumedLength">Tokens of the answer that are there already.</param>
    public SamplingParameters Read(
        Wire.SamplingParameters wire, int contextTokensLeft, List<BadRequest.Types.FieldViolation> violations, int promptLength = 0,
        int resumedLength = 0)
    {
        CheckNumbers(wire, violations);
        CheckLists(wire, violations);
        var asksForSampling = wire.HasTemperature || wire.HasTopK || wire.HasTopP || wire.HasMinP || wire.HasTypicalP || wire.HasSeed
            || ProcessorReader.AsksForSampling(wire.Processors);
        var temperature = wire.HasTemperature ? wire.Temperature : defaults.DoSample ? defaults.Temperature : DefaultTemperature;
        var defaultTopK = defaults.DoSample ? defaults.TopK : GenerationDefaults.ImplicitTopK;
        var maxTokens = wire.HasMaxTokens
            ? (int)Math.Min(wire.MaxTokens, (uint)options.CompletionTokensMax)
            : Math.Min(DefaultMaxTokens(promptLength, violations), options.CompletionTokensMax);
        var freeDraftsOnly = !wire.HasDraftTokens && options is { DraftTokensDefault: 0, FreeDrafts: true };
        var parameters = new SamplingParameters
        {
            Sample = temperature > 0 && (defaults.DoSample || asksForSampling),
            Temperature = temperature > 0 ? temperature : 1,
            TopK = wire.HasTopK ? (int)Math.Min(wire.TopK, (uint)vocabularySize) : defaultTopK,
            TopP = wire.HasTopP ? wire.TopP : defaults.TopP,
            MinP = wire.HasMinP ? wire.MinP : defaults.MinP,
            TypicalP = wire.HasTypicalP ? wire.TypicalP : defaults.TypicalP,
            RepetitionPenalty = wire.HasRepetitionPenalty ? wire.RepetitionPenalty : defaults.RepetitionPenalty,
            PresencePenalty = wire.PresencePenalty,
            FrequencyPenalty = wire.FrequencyPenalty,
            NoRepeatNgramSize = wire.HasNoRepeatNgramSize ? (int)wire.NoRepeatNgramSize : defaults.NoRepeatNgramSize,
            LogitBias = [.. wire.LogitBias.Select(bias => KeyValuePair.Create((int)bias.Key, bias.Value))],
            AllowedTokenIds = [.. wire.AllowedTokenIds.Distinct().Order().Select(id => (int)id)],
            BannedTokenIds = [.. defaults.SuppressTokenIds.Concat(wire.BannedTokenIds).Distinct().Select(id => (int)id)],
            BeginBannedTokenIds = [.. defaults.BeginSuppressTokenIds.Select(id => (int)id)],
            Seed = wire.HasSeed ? wire.Seed : DrawSeed(),
            MaxTokens = Math.Max(wire is { HasMaxTokens: true, MaxTokens: 0, HasPromptLogprobs: true } ? 0 : 1,
                Math.Min(maxTokens, contextTokensLeft)),
            PromptLogprobs = wire.HasPromptLogprobs ? (int)Math.Min(wire.PromptLogprobs, int.MaxValue) : null,
            MinTokens = wire.HasMinTokens ? (int)Math.Min(wire.MinTokens, int.MaxValue)
                : defaults.MinNewTokens ?? Math.Max(0, defaults.MinLength - promptLength),
            IgnoreEos = wire.IgnoreEos,
            StopTokenIds = wire.StopTokenIds.ToFrozenSet(),
            Logprobs = wire.Logprobs || wire.TopLogprobs > 0,
            TopLogprobs = (int)Math.Min(wire.TopLogprobs, int.MaxValue),
            TraceCandidates = (int)Math.Min(wire.TraceCandidates, int.MaxValue),
            Priority = wire.Priority,
            DraftTokens = wire.HasDraftTokens ? (int)Math.Min(wire.DraftTokens, (uint)options.DraftTokensMax)
                : freeDraftsOnly ? options.DraftTokensMax : options.DraftTokensDefault,
            FreeDraftsOnly = freeDraftsOnly,
        };
        parameters = parameters with { Reasoning = ReasoningReader.Read(wire.ReasoningBudget, options, vocabularySize, violations) };
        parameters = _processors.Complete(parameters, wire, promptLength, resumedLength, violations);
        CheckLeft(parameters, resumedLength, violations);
        return parameters;
    }

    private int DefaultMaxTokens(int promptLength, List<BadRequest.Types.FieldViolation> violations)
    {
        if (defaults.MaxNewTokens is { } maxNewTokens)
            return maxNewTokens;
        if (defaults.MaxLength is not { } maxLength)
            return int.MaxValue;
        if (promptLength >= maxLength)
        {
            Add(violations, "max_tokens",
                $"is unset, and the model's generation_config.json ends prompt and answer together at max_length {maxLength}; "
                + $"the prompt alone has {promptLength} tokens.");
        }

        return maxLength - promptLength;
    }

    /// <summary>Settings that leave no id for the first token contradict each other, whatever the model says.</summary>
    private void CheckLeft(SamplingParameters parameters, int resumedLength, List<BadRequest.Types.FieldViolation> violations)
    {
        var banned = parameters.BannedTokenIds.ToHashSet();
        banned.UnionWith(parameters.BadRuns.Where(run => run.Count == 1).Select(run => (int)run[0]));
        if (!IsAnyLeft(parameters, banned))
        {
            if (parameters.AllowedTokenIds.Count > 0)
                Add(violations, "allowed_token_ids", $"holds only ids that {Banning(parameters)} or the model's suppress_tokens rule out.");
            else
                Add(violations, "banned_token_ids", parameters.BadRuns.Count > 0 ? "and bad_words leave no id." : "rules out every id.");
            return;
        }

        if (resumedLength == 0)
            banned.UnionWith(parameters.BeginBannedTokenIds);
        if (!IsAnyLeft(parameters, banned))
        {
            Add(violations, "allowed_token_ids",
                "and banned_token_ids leave only ids that the model's begin_suppress_tokens rules out for the first token.");
            return;
        }

        if (resumedLength >= parameters.MinTokens)
            return;
        banned.UnionWith(parameters.StopTokenIds.Select(id => (int)id));
        if (!parameters.IgnoreEos)
            banned.UnionWith(defaults.EosTokenIds.Select(id => (int)id));
        if (!IsAnyLeft(parameters, banned))
        {
            Add(violations, "min_tokens",
                $"is {parameters.MinTokens}, and allowed_token_ids and banned_token_ids leave only ids that end the answer.");
        }
    }

    private static string Banning(SamplingParameters parameters) =>
        parameters.BadRuns.Count > 0 ? "banned_token_ids, bad_words" : "banned_token_ids";

    private bool IsAnyLeft(SamplingParameters parameters, HashSet<int> banned) => parameters.AllowedTokenIds.Count > 0
        ? parameters.AllowedTokenIds.Any(id => !banned.Contains(id))
        : banned.Count(id => id >= 0 && id < vocabularySize) < vocabularySize;

    private void CheckNumbers(Wire.SamplingParameters wire, List<BadRequest.Types.FieldViolation> violations)
    {
        Check(violations, wire.HasTemperature, "temperature", wire.Temperature, 0, 100);
        Check(violations, wire.HasTopP, "top_p", wire.TopP, 0, 1);
        Check(violations, wire.HasMinP, "min_p", wire.MinP, 0, 1);
        Check(violations, wire.HasTypicalP, "typical_p", wire.TypicalP, 0.0001f, 1);
        Check(violations, wire.HasRepetitionPenalty, "repetition_penalty", wire.RepetitionPenalty, 0.01f, 100);
        Check(violations, wire.HasPresencePenalty, "presence_penalty", wire.PresencePenalty, -2, 2);
        Check(violations, wire.HasFrequencyPenalty, "frequency_penalty", wire.FrequencyPenalty, -2, 2);
        Check(violations, wire.HasNoRepeatNgramSize, "no_repeat_ngram_size", wire.NoRepeatNgramSize, 0, NgramMax);
        // A prompt can be judged and nothing said.
        Check(violations, wire.HasMaxTokens, "max_tokens", wire.MaxTokens, wire.HasPromptLogprobs ? 0 : 1, uint.MaxValue);
        Check(violations, wire.HasPromptLogprobs, "prompt_logprobs", wire.PromptLogprobs, 0, options.TopLogprobsMax);
        Check(violations, wire.HasTopLogprobs, "top_logprobs", wire.TopLogprobs, 0, options.TopLogprobsMax);
        Check(violations, wire.HasTraceCandidates, "trace_candidates", wire.TraceCandidates, 0, options.TraceCandidatesMax);
        Check(violations, wire.HasPriority, "priority", wire.Priority, -PriorityMax, PriorityMax);
        Check(violations, wire.HasDraftTokens, "draft_tokens", wire.DraftTokens, 0, options.DraftTokensMax);
        if (wire.HasMinTokens && wire.HasMaxTokens && wire.MinTokens > wire.MaxTokens)
            Add(violations, "min_tokens", $"is {wire.MinTokens} and max_tokens is {wire.MaxTokens}.");
    }

    private void CheckLists(Wire.SamplingParameters wire, List<BadRequest.Types.FieldViolation> violations)
    {
        CheckIds(violations, "allowed_token_ids", wire.AllowedTokenIds);
        CheckIds(violations, "banned_token_ids", wire.BannedTokenIds);
        CheckIds(violations, "stop_token_ids", wire.StopTokenIds);
        if (!HasRoom(violations, "logit_bias", wire.LogitBias.Count))
            return;
        foreach (var (id, bias) in wire.LogitBias)
        {
            if (id >= vocabularySize)
                Add(violations, $"logit_bias[{id}]", $"the vocabulary has {vocabularySize} ids.");
            if (!float.IsFinite(bias))
                Add(violations, $"logit_bias[{id}]", $"is {bias}, not a finite number.");
        }
    }

    private void CheckIds(List<BadRequest.Types.FieldViolation> violations, string field, RepeatedField<uint> ids)
    {
        if (!HasRoom(violations, field, ids.Count))
            return;
        violations.CheckIds(Prefix + field, ids, vocabularySize);
    }

    private bool HasRoom(List<BadRequest.Types.FieldViolation> violations, string field, int count)
    {
        if (count > options.ListedTokenIdsMax)
            Add(violations, field, $"has {count} entries, {options.ListedTokenIdsMax} are allowed.");
        return count <= options.ListedTokenIdsMax;
    }

    private static void Check(
        List<BadRequest.Types.FieldViolation> violations, bool isSet, string field, double value, double least, double most) =>
        violations.CheckRange(isSet, Prefix + field, value, least, most);

    private static void Add(List<BadRequest.Types.FieldViolation> violations, string field, string description) =>
        violations.AddFault(Prefix + field, description);

    private static ulong DrawSeed()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }
}
