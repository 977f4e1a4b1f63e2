namespace Parley.Gateway.Chat;

/// <summary>Stages of the choice of a token that few requests ask for; null or empty is the model's own default, or off.</summary>
internal sealed record ProcessorSettings
{
    /// <summary>Texts that never become whole; the Tokenizer makes runs of them.</summary>
    public IReadOnlyList<string> BadWords { get; init; } = [];

    public IReadOnlyList<uint[]> BadRuns { get; init; } = [];

    public IReadOnlyList<(uint[] Run, float Bias)> SequenceBias { get; init; } = [];

    public uint? ForcedBosTokenId { get; init; }

    public IReadOnlyList<uint> ForcedEosTokenIds { get; init; } = [];

    /// <summary>Tokens from which on an end becomes likelier, and how fast.</summary>
    public (uint Start, float Factor)? ExponentialDecay { get; init; }

    public float? EncoderRepetitionPenalty { get; init; }

    public uint? PenaltyLastN { get; init; }

    public float? TopNSigma { get; init; }

    public float? TopH { get; init; }

    public float? EpsilonCutoff { get; init; }

    public float? EtaCutoff { get; init; }

    public float? DryMultiplier { get; init; }

    public float? DryBase { get; init; }

    public uint? DryAllowedLength { get; init; }

    public uint? DryPenaltyLastN { get; init; }

    /// <summary>Texts over which no repetition is followed; the Tokenizer makes runs of them.</summary>
    public IReadOnlyList<string> DryBreakers { get; init; } = [];

    public IReadOnlyList<uint[]> DryBreakerRuns { get; init; } = [];

    public float? XtcProbability { get; init; }

    public float? XtcThreshold { get; init; }

    public float? DynatempRange { get; init; }

    public float? DynatempExponent { get; init; }

    public uint? Mirostat { get; init; }

    public float? MirostatTau { get; init; }

    public float? MirostatEta { get; init; }
}
