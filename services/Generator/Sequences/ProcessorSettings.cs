namespace Parley.Generator.Sequences;

/// <summary>Stages of the choice of a token that few requests have. Where none is on, a sequence has no settings of this kind.</summary>
internal sealed record ProcessorSettings
{
    /// <summary>Over the prompt; 1 is off.</summary>
    public float EncoderRepetitionPenalty { get; init; } = 1;

    /// <summary>The three penalties count so many of the last tokens, prompt included; null is the rule of each.</summary>
    public int? PenaltyLastTokens { get; init; }

    public DrySettings? Dry { get; init; }

    public LengthDecaySettings? LengthDecay { get; init; }

    /// <summary>In standard deviations; 0 is off.</summary>
    public float TopNSigma { get; init; }

    public DynamicTemperatureSettings? DynamicTemperature { get; init; }

    /// <summary>0 is off.</summary>
    public float TopH { get; init; }

    /// <summary>0 is off.</summary>
    public float EpsilonCutoff { get; init; }

    /// <summary>0 is off.</summary>
    public float EtaCutoff { get; init; }

    public XtcSettings? Xtc { get; init; }

    public MirostatSettings? Mirostat { get; init; }

    /// <summary>Some stage changes logits before temperature.</summary>
    public bool ChangesLogits => EncoderRepetitionPenalty != 1 || PenaltyLastTokens is not null || Dry is not null
        || LengthDecay is not null || TopNSigma > 0;

    /// <summary>Some stage wants to know all logits, although top-k would leave few.</summary>
    public bool ReadsAllLogits => ChangesLogits || DynamicTemperature is not null || TopH > 0 || Mirostat is not null;
}
