namespace Parley.Generator.Sequences;

/// <summary>What the model's <c>generation_config.json</c> says; null where it is silent.</summary>
internal sealed record SamplingDefaults
{
    public bool DoSample { get; init; }

    public float? Temperature { get; init; }

    public int? TopK { get; init; }

    public float? TopP { get; init; }

    public float? MinP { get; init; }

    public float? TypicalP { get; init; }

    public float? RepetitionPenalty { get; init; }

    public int? NoRepeatNgramSize { get; init; }

    public int? MaxNewTokens { get; init; }

    public int? MinNewTokens { get; init; }

    /// <summary>The ids that end an answer; may be empty.</summary>
    public IReadOnlyList<uint> EosTokenIds { get; init; } = [];
}
