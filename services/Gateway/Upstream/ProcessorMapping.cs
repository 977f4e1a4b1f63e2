using Google.Protobuf.Collections;
using Parley.Gateway.Chat;
using Wire = Parley.Generator.V1;

namespace Parley.Gateway.Upstream;

/// <summary>The rare settings of sampling, domain to proto and back.</summary>
internal static class ProcessorMapping
{
    /// <summary>Null where nothing is set.</summary>
    public static Wire.Processors? ToProto(ProcessorSettings? settings)
    {
        if (settings is null)
            return null;
        var proto = new Wire.Processors();
        proto.BadWords.AddRange(settings.BadRuns.Select(ToProto));
        proto.DrySequenceBreakers.AddRange(settings.DryBreakerRuns.Select(ToProto));
        foreach (var (run, bias) in settings.SequenceBias)
        {
            var one = new Wire.BiasedRun { Bias = bias };
            one.Ids.AddRange(run);
            proto.SequenceBias.Add(one);
        }

        proto.ForcedEosTokenIds.AddRange(settings.ForcedEosTokenIds);
        if (settings.ForcedBosTokenId is { } forcedBos)
            proto.ForcedBosTokenId = forcedBos;
        if (settings.ExponentialDecay is var (start, factor))
            proto.ExponentialDecayLengthPenalty = new Wire.ExponentialDecay { Start = start, Factor = factor };
        if (settings.PenaltyLastN is { } lastN)
            proto.PenaltyLastN = lastN;
        AddFilters(settings, proto);
        AddDry(settings, proto);
        if (settings.Mirostat is { } mirostat)
            proto.Mirostat = mirostat;
        if (settings.MirostatTau is { } tau)
            proto.MirostatTau = tau;
        if (settings.MirostatEta is { } eta)
            proto.MirostatEta = eta;
        return proto;
    }

    /// <summary>Unset stays null.</summary>
    public static ProcessorSettings? ToDomain(Wire.Processors? proto) => proto is null ? null : new()
    {
        BadRuns = ToDomain(proto.BadWords),
        SequenceBias = [.. proto.SequenceBias.Select(run => (run.Ids.ToArray(), run.Bias))],
        ForcedBosTokenId = proto.HasForcedBosTokenId ? proto.ForcedBosTokenId : null,
        ForcedEosTokenIds = proto.ForcedEosTokenIds,
        ExponentialDecay = proto.ExponentialDecayLengthPenalty is { } decay ? (decay.Start, decay.Factor) : null,
        EncoderRepetitionPenalty = proto.HasEncoderRepetitionPenalty ? proto.EncoderRepetitionPenalty : null,
        PenaltyLastN = proto.HasPenaltyLastN ? proto.PenaltyLastN : null,
        TopNSigma = proto.HasTopNSigma ? proto.TopNSigma : null,
        TopH = proto.HasTopH ? proto.TopH : null,
        EpsilonCutoff = proto.HasEpsilonCutoff ? proto.EpsilonCutoff : null,
        EtaCutoff = proto.HasEtaCutoff ? proto.EtaCutoff : null,
        DryMultiplier = proto.HasDryMultiplier ? proto.DryMultiplier : null,
        DryBase = proto.HasDryBase ? proto.DryBase : null,
        DryAllowedLength = proto.HasDryAllowedLength ? proto.DryAllowedLength : null,
        DryPenaltyLastN = proto.HasDryPenaltyLastN ? proto.DryPenaltyLastN : null,
        DryBreakerRuns = ToDomain(proto.DrySequenceBreakers),
        XtcProbability = proto.HasXtcProbability ? proto.XtcProbability : null,
        XtcThreshold = proto.HasXtcThreshold ? proto.XtcThreshold : null,
        DynatempRange = proto.HasDynatempRange ? proto.DynatempRange : null,
        DynatempExponent = proto.HasDynatempExponent ? proto.DynatempExponent : null,
        Mirostat = proto.HasMirostat ? proto.Mirostat : null,
        MirostatTau = proto.HasMirostatTau ? proto.MirostatTau : null,
        MirostatEta = proto.HasMirostatEta ? proto.MirostatEta : null,
    };

    /// <summary>Null where there is no budget.</summary>
    public static Wire.ReasoningBudget? ToProto(ReasoningBudget? budget)
    {
        if (budget is null)
            return null;
        var proto = new Wire.ReasoningBudget { IsOpen = budget.IsOpen, TokensMax = budget.TokensMax };
        proto.Openings.AddRange(budget.Openings.Select(ToProto));
        proto.Closings.AddRange(budget.Closings.Select(ToProto));
        proto.ClosingIds.AddRange(budget.ClosingIds);
        return proto;
    }

    public static ReasoningBudget? ToDomain(Wire.ReasoningBudget? proto) => proto is null ? null
        : new(proto.IsOpen, ToDomain(proto.Openings), ToDomain(proto.Closings), proto.ClosingIds, proto.TokensMax);

    private static void AddFilters(ProcessorSettings settings, Wire.Processors proto)
    {
        if (settings.EncoderRepetitionPenalty is { } penalty)
            proto.EncoderRepetitionPenalty = penalty;
        if (settings.TopNSigma is { } sigmas)
            proto.TopNSigma = sigmas;
        if (settings.TopH is { } topH)
            proto.TopH = topH;
        if (settings.EpsilonCutoff is { } epsilon)
            proto.EpsilonCutoff = epsilon;
        if (settings.EtaCutoff is { } eta)
            proto.EtaCutoff = eta;
        if (settings.XtcProbability is { } probability)
            proto.XtcProbability = probability;
        if (settings.XtcThreshold is { } threshold)
            proto.XtcThreshold = threshold;
        if (settings.DynatempRange is { } range)
            proto.DynatempRange = range;
        if (settings.DynatempExponent is { } exponent)
            proto.DynatempExponent = exponent;
    }

    private static void AddDry(ProcessorSettings settings, Wire.Processors proto)
    {
        if (settings.DryMultiplier is { } multiplier)
            proto.DryMultiplier = multiplier;
        if (settings.DryBase is { } growth)
            proto.DryBase = growth;
        if (settings.DryAllowedLength is { } allowed)
            proto.DryAllowedLength = allowed;
        if (settings.DryPenaltyLastN is { } lastN)
            proto.DryPenaltyLastN = lastN;
    }

    private static Wire.TokenRun ToProto(uint[] run)
    {
        var proto = new Wire.TokenRun();
        proto.Ids.AddRange(run);
        return proto;
    }

    private static IReadOnlyList<uint[]> ToDomain(RepeatedField<Wire.TokenRun> runs) => [.. runs.Select(run => run.Ids.ToArray())];
}
