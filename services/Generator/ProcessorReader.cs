using Google.Protobuf.Collections;
using Google.Rpc;
using Parley.Generator.Model;
using Parley.Generator.Sequences;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>
/// Reads the settings that few requests have (<c>sampling.processors</c>) beside those that the model's generation_config.json brings. Off
/// is the same as not given. Fields that contradict each other are refused under the name of the one that cannot be followed.
/// </summary>
internal sealed class ProcessorReader(GenerationDefaults defaults, GeneratorOptions options, int vocabularySize)
{
    private const string Prefix = "sampling.processors.";
    private const int LengthMax = 1024;

    /// <summary>As llama.cpp: a threshold of which there cannot be two switches XTC off.</summary>
    private const float XtcThresholdMax = 0.5f;

    private const float CutoffMax = 0.9999f;

    /// <summary>Whether some setting has no sense without sampling.</summary>
    public static bool AsksForSampling(Wire.Processors? wire) => wire is not null
        && (wire.TopNSigma > 0 || wire.TopH > 0 || wire.EpsilonCutoff > 0 || wire.EtaCutoff > 0 || NeedsSampling(wire).Any());

    /// <summary>Adds the settings to those that are read already.</summary>
    /// <param name="parameters">What the rest of the request comes to.</param>
    /// <param name="sampling">As sent.</param>
    /// <param name="promptLength">Tokens of the prompt.</param>
    /// <param name="resumedLength">Tokens of the answer that are there already.</param>
    /// <param name="violations">Grows.</param>
    public SamplingParameters Complete(
        SamplingParameters parameters, Wire.SamplingParameters sampling, int promptLength, int resumedLength,
        List<BadRequest.Types.FieldViolation> violations)
    {
        var wire = sampling.Processors ?? new Wire.Processors();
        var known = violations.Count;
        CheckNumbers(wire, violations);
        CheckLists(wire, violations);
        CheckContradictions(parameters, sampling, wire, resumedLength, violations);
        if (violations.Count > known)
            return parameters;
        var forcedBos = wire.HasForcedBosTokenId ? wire.ForcedBosTokenId : defaults.ForcedBosTokenId;
        var forcedEos = wire.ForcedEosTokenIds.Count > 0 ? wire.ForcedEosTokenIds : defaults.ForcedEosTokenIds;
        var processors = Read(wire, parameters.Sample);
        parameters = parameters with
        {
            BadRuns = [.. defaults.BadRuns, .. BadWords(wire)],
            RunBias = wire.SequenceBias.Count > 0 ? [.. wire.SequenceBias.Select(run => new TokenRunBias([.. run.Ids], run.Bias))]
                : defaults.RunBias,
            ForcedFirstTokenIds = promptLength == 1 && forcedBos is { } bos ? [(int)bos] : [],
            ForcedLastTokenIds = [.. forcedEos.Select(id => (int)id)],
            Processors = processors == new ProcessorSettings() ? null : processors,
        };
        if (wire.HasPenaltyLastN && wire.PenaltyLastN == 0)
            parameters = parameters with { RepetitionPenalty = 1, PresencePenalty = 0, FrequencyPenalty = 0 };
        if (parameters.Processors is { PenaltyLastTokens: not null } && !parameters.HasPenalties)
            parameters = WithoutPenaltyWindow(parameters, processors);

        // What the model's defaults cut away is mirostat's to decide.
        return processors.Mirostat is null ? parameters : parameters with { TopK = 0, TopP = 1, MinP = 0, TypicalP = 1 };
    }

    /// <summary>What the model's own defaults switch on; null where that is nothing.</summary>
    public Wire.Processors? Describe()
    {
        var described = new Wire.Processors();
        if (defaults.EncoderRepetitionPenalty != 1)
            described.EncoderRepetitionPenalty = defaults.EncoderRepetitionPenalty;
        if (defaults.LengthDecay is { } decay)
            described.ExponentialDecayLengthPenalty = new Wire.ExponentialDecay { Start = (uint)decay.Start, Factor = decay.Factor };
        if (defaults.TopH > 0)
            described.TopH = defaults.TopH;
        if (defaults.EpsilonCutoff > 0)
            described.EpsilonCutoff = defaults.EpsilonCutoff;
        if (defaults.EtaCutoff > 0)
            described.EtaCutoff = defaults.EtaCutoff;
        return described.Equals(new Wire.Processors()) ? null : described;
    }

    private static SamplingParameters WithoutPenaltyWindow(SamplingParameters parameters, ProcessorSettings processors)
    {
        processors = processors with { PenaltyLastTokens = null };
        return parameters with { Processors = processors == new ProcessorSettings() ? null : processors };
    }

    private ProcessorSettings Read(Wire.Processors wire, bool samples) => new()
    {
        EncoderRepetitionPenalty = wire.HasEncoderRepetitionPenalty ? wire.EncoderRepetitionPenalty : defaults.EncoderRepetitionPenalty,
        PenaltyLastTokens = wire is { HasPenaltyLastN: true, PenaltyLastN: > 0 and var last } ? (int)Math.Min(last, int.MaxValue) : null,
        Dry = wire is { DryMultiplier: > 0 } && !(wire.HasDryPenaltyLastN && wire.DryPenaltyLastN == 0) ? ReadDry(wire) : null,
        LengthDecay = wire.ExponentialDecayLengthPenalty is { } decay
            ? new LengthDecaySettings((int)Math.Min(decay.Start, int.MaxValue), decay.Factor) : defaults.LengthDecay,
        TopNSigma = samples ? wire.TopNSigma : 0,
        DynamicTemperature = wire.DynatempRange > 0
            ? new DynamicTemperatureSettings(wire.DynatempRange, wire.HasDynatempExponent ? wire.DynatempExponent : 1) : null,
        TopH = Unless(wire, samples, wire.HasTopH ? wire.TopH : defaults.TopH),
        EpsilonCutoff = Unless(wire, samples, wire.HasEpsilonCutoff ? wire.EpsilonCutoff : defaults.EpsilonCutoff),
        EtaCutoff = Unless(wire, samples, wire.HasEtaCutoff ? wire.EtaCutoff : defaults.EtaCutoff),
        Xtc = wire.XtcProbability > 0 && Threshold(wire) <= XtcThresholdMax
            ? new XtcSettings(wire.XtcProbability, Threshold(wire)) : null,
        Mirostat = wire.Mirostat > 0
            ? new MirostatSettings(
                (int)wire.Mirostat, wire.HasMirostatTau ? wire.MirostatTau : 5, wire.HasMirostatEta ? wire.MirostatEta : 0.1f)
            : null,
    };

    /// <summary>A filter is off where nothing is drawn, and where mirostat filters.</summary>
    private static float Unless(Wire.Processors wire, bool samples, float value) => samples && wire.Mirostat == 0 ? value : 0;

    private static float Threshold(Wire.Processors wire) => wire.HasXtcThreshold ? wire.XtcThreshold : 0.1f;

    private static DrySettings ReadDry(Wire.Processors wire)
    {
        var breakers = wire.DrySequenceBreakers.GroupBy(run => run.Ids[0])
            .ToDictionary(runs => runs.Key, runs => (IReadOnlyList<uint[]>)[.. runs.Select(run => run.Ids.Skip(1).ToArray())]);
        return new DrySettings(
            wire.DryMultiplier, wire.HasDryBase ? wire.DryBase : 1.75f, wire.HasDryAllowedLength ? (int)wire.DryAllowedLength : 2,
            wire.HasDryPenaltyLastN ? (int)Math.Min(wire.DryPenaltyLastN, int.MaxValue) : int.MaxValue, breakers);
    }

    /// <summary>As in transformers, a bad word that is an end-of-sequence id alone is none.</summary>
    private IEnumerable<IReadOnlyList<uint>> BadWords(Wire.Processors wire) =>
        wire.BadWords.Where(run => run.Ids is not [var only] || !defaults.EosTokenIds.Contains(only)).Select(run => run.Ids);

    private static void CheckNumbers(Wire.Processors wire, List<BadRequest.Types.FieldViolation> violations)
    {
        Check(violations, wire.HasEncoderRepetitionPenalty, "encoder_repetition_penalty", wire.EncoderRepetitionPenalty, 0.01f, 100);
        Check(violations, wire.HasTopNSigma, "top_n_sigma", wire.TopNSigma, 0, 100);
        Check(violations, wire.HasTopH, "top_h", wire.TopH, 0, 1);
        Check(violations, wire.HasEpsilonCutoff, "epsilon_cutoff", wire.EpsilonCutoff, 0, CutoffMax);
        Check(violations, wire.HasEtaCutoff, "eta_cutoff", wire.EtaCutoff, 0, CutoffMax);
        Check(violations, wire.HasDryMultiplier, "dry_multiplier", wire.DryMultiplier, 0, 100);
        Check(violations, wire.HasDryBase, "dry_base", wire.DryBase, 1, 100);
        Check(violations, wire.HasDryAllowedLength, "dry_allowed_length", wire.DryAllowedLength, 0, LengthMax);
        Check(violations, wire.HasXtcProbability, "xtc_probability", wire.XtcProbability, 0, 1);
        Check(violations, wire.HasXtcThreshold, "xtc_threshold", wire.XtcThreshold, 0, 1);
        Check(violations, wire.HasDynatempRange, "dynatemp_range", wire.DynatempRange, 0, 100);
        Check(violations, wire.HasDynatempExponent, "dynatemp_exponent", wire.DynatempExponent, 0, 100);
        Check(violations, wire.HasMirostat, "mirostat", wire.Mirostat, 0, 2);
        Check(violations, wire.HasMirostatTau, "mirostat_tau", wire.MirostatTau, 0, 100);
        Check(violations, wire.HasMirostatEta, "mirostat_eta", wire.MirostatEta, 0, 1);
        if (wire.ExponentialDecayLengthPenalty is { } decay)
            Check(violations, true, "exponential_decay_length_penalty.factor", decay.Factor, 0.01f, 100);
    }

    private void CheckLists(Wire.Processors wire, List<BadRequest.Types.FieldViolation> violations)
    {
        CheckRuns(violations, "bad_words", [.. wire.BadWords.Select(run => run.Ids)], options.ListedTokenIdsMax);
        CheckRuns(violations, "sequence_bias", [.. wire.SequenceBias.Select(run => run.Ids)], options.ListedTokenIdsMax);
        CheckRuns(violations, "dry_sequence_breakers", [.. wire.DrySequenceBreakers.Select(run => run.Ids)], options.DryBreakerIdsMax);
        for (var i = 0; i < wire.SequenceBias.Count; i++)
        {
            // Minus infinity rules a run out; no number makes one certain.
            if (wire.SequenceBias[i].Bias is var bias && (float.IsNaN(bias) || float.IsPositiveInfinity(bias)))
                Add(violations, $"sequence_bias[{i}].bias", $"is {bias}, not a number.");
        }

        if (wire.HasForcedBosTokenId)
            violations.CheckId(Prefix + "forced_bos_token_id", wire.ForcedBosTokenId, vocabularySize);
        if (wire.ForcedEosTokenIds.Count > options.ListedTokenIdsMax)
            Add(violations, "forced_eos_token_ids", $"has {wire.ForcedEosTokenIds.Count} ids, {options.ListedTokenIdsMax} are allowed.");
        else
            CheckIds(violations, "forced_eos_token_ids", wire.ForcedEosTokenIds);
    }

    private void CheckContradictions(
        SamplingParameters parameters, Wire.SamplingParameters sampling, Wire.Processors wire, int resumedLength,
        List<BadRequest.Types.FieldViolation> violations)
    {
        if (!parameters.Sample)
        {
            foreach (var field in NeedsSampling(wire))
                Add(violations, field, "draws by chance, and temperature 0 does not.");
        }

        if (wire.Mirostat > 0)
        {
            foreach (var field in FiltersOf(sampling, wire))
                Add(violations, "mirostat", $"cuts by itself: it contradicts {field}.");
            if (resumedLength > 0)
                Add(violations, "mirostat", "depends on the probabilities of past steps, which resume_ids do not tell.");
        }

        if (sampling.Guide is { ConstraintCase: not Wire.Guide.ConstraintOneofCase.None })
        {
            // The model's own give way to it.
            if (wire.ForcedEosTokenIds.Count > 0)
                Add(violations, "forced_eos_token_ids", "contradict the guide, which says what stands where.");
            if (wire.HasForcedBosTokenId)
                Add(violations, "forced_bos_token_id", "contradicts the guide, which says what stands where.");
        }

        if (wire.ExponentialDecayLengthPenalty is not null && parameters.IgnoreEos)
            Add(violations, "exponential_decay_length_penalty", "makes an end likelier that ignore_eos ignores.");
        if (wire.ForcedEosTokenIds.Count > 0 && wire.ForcedEosTokenIds.All(id => IsOut(parameters, id)))
            Add(violations, "forced_eos_token_ids", "are ruled out by allowed_token_ids or banned_token_ids.");
        if (wire.HasForcedBosTokenId && IsOut(parameters, wire.ForcedBosTokenId))
            Add(violations, "forced_bos_token_id", "is ruled out by allowed_token_ids or banned_token_ids.");
    }

    private static bool IsOut(SamplingParameters parameters, uint id) => parameters.BannedTokenIds.Contains((int)id)
        || (parameters.AllowedTokenIds.Count > 0 && !parameters.AllowedTokenIds.Contains((int)id));

    private static IEnumerable<string> NeedsSampling(Wire.Processors wire)
    {
        if (wire.DynatempRange > 0)
            yield return "dynatemp_range";
        if (wire.XtcProbability > 0)
            yield return "xtc_probability";
        if (wire.Mirostat > 0)
            yield return "mirostat";
    }

    /// <summary>The filters that a request asks for by itself.</summary>
    private static IEnumerable<string> FiltersOf(Wire.SamplingParameters sampling, Wire.Processors wire)
    {
        (bool IsOn, string Name)[] filters =
        [
            (sampling.TopK > 0, "top_k"), (sampling is { HasTopP: true, TopP: < 1 }, "top_p"), (sampling.MinP > 0, "min_p"),
            (sampling is { HasTypicalP: true, TypicalP: < 1 }, "typical_p"), (wire.TopNSigma > 0, "top_n_sigma"), (wire.TopH > 0, "top_h"),
            (wire.EpsilonCutoff > 0, "epsilon_cutoff"), (wire.EtaCutoff > 0, "eta_cutoff"), (wire.XtcProbability > 0, "xtc_probability"),
        ];
        return filters.Where(filter => filter.IsOn).Select(filter => filter.Name);
    }

    private void CheckRuns(
        List<BadRequest.Types.FieldViolation> violations, string field, RepeatedField<uint>[] runs, int idsMax)
    {
        var count = runs.Sum(run => (long)run.Count);
        if (count > idsMax)
        {
            Add(violations, field, $"has {count} ids, {idsMax} are allowed.");
            return;
        }

        for (var i = 0; i < runs.Length; i++)
        {
            if (runs[i].Count == 0)
                Add(violations, $"{field}[{i}]", "is empty.");
            CheckIds(violations, $"{field}[{i}].ids", runs[i]);
        }
    }

    private void CheckIds(List<BadRequest.Types.FieldViolation> violations, string field, RepeatedField<uint> ids) =>
        violations.CheckIds(Prefix + field, ids, vocabularySize);

    private static void Check(
        List<BadRequest.Types.FieldViolation> violations, bool isSet, string field, double value, double least, double most) =>
        violations.CheckRange(isSet, Prefix + field, value, least, most);

    private static void Add(List<BadRequest.Types.FieldViolation> violations, string field, string description) =>
        violations.AddFault(Prefix + field, description);
}
