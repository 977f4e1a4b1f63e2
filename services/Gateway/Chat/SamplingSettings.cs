namespace Parley.Gateway.Chat;

/// <summary>How tokens are drawn; null or empty means the model's own default, which the Generator applies.</summary>
internal sealed record SamplingSettings
{
    public float? Temperature { get; init; }

    public uint? TopK { get; init; }

    public float? TopP { get; init; }

    public float? MinP { get; init; }

    public float? TypicalP { get; init; }

    public float? RepetitionPenalty { get; init; }

    public float? PresencePenalty { get; init; }

    public float? FrequencyPenalty { get; init; }

    public uint? NoRepeatNgramSize { get; init; }

    public IReadOnlyDictionary<uint, float> LogitBias { get; init; } = new Dictionary<uint, float>();

    public IReadOnlyList<uint> AllowedTokenIds { get; init; } = [];

    public IReadOnlyList<uint> BannedTokenIds { get; init; } = [];

    public ulong? Seed { get; init; }

    public uint? MaxTokens { get; init; }

    public uint? MinTokens { get; init; }

    public bool? IgnoreEos { get; init; }

    public IReadOnlyList<uint> StopTokenIds { get; init; } = [];

    public bool? Logprobs { get; init; }

    public uint? TopLogprobs { get; init; }

    /// <summary>Candidates per step that the inspector shows.</summary>
    public uint? TraceCandidates { get; init; }

    /// <summary>What the answer must be; null is any text.</summary>
    public ChatGuide? Guide { get; init; }

    /// <summary>Settings that few requests have; null where none is set.</summary>
    public ProcessorSettings? Processors { get; init; }

    /// <summary>Log-probabilities of the prompt's tokens, each with so many of the most likely ones in its place.</summary>
    public uint? PromptLogprobs { get; init; }

    /// <summary>How long the answer may reason; null is as long as it likes.</summary>
    public ReasoningBudget? Reasoning { get; init; }

    public int? Priority { get; init; }

    /// <summary>Tokens to guess per step; changes the speed and not the answer.</summary>
    public uint? DraftTokens { get; init; }

    /// <summary>What this request comes to where it left a field unset: the inspector's view, not what is sent.</summary>
    public SamplingSettings Over(SamplingSettings defaults) => this with
    {
        Temperature = Temperature ?? defaults.Temperature,
        TopK = TopK ?? defaults.TopK,
        TopP = TopP ?? defaults.TopP,
        MinP = MinP ?? defaults.MinP,
        TypicalP = TypicalP ?? defaults.TypicalP,
        RepetitionPenalty = RepetitionPenalty ?? defaults.RepetitionPenalty,
        PresencePenalty = PresencePenalty ?? defaults.PresencePenalty,
        FrequencyPenalty = FrequencyPenalty ?? defaults.FrequencyPenalty,
        NoRepeatNgramSize = NoRepeatNgramSize ?? defaults.NoRepeatNgramSize,
        MaxTokens = MaxTokens ?? defaults.MaxTokens,
        MinTokens = MinTokens ?? defaults.MinTokens,
        IgnoreEos = IgnoreEos ?? defaults.IgnoreEos,
        DraftTokens = DraftTokens ?? defaults.DraftTokens,
    };
}
