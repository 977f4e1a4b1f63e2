namespace Parley.Generator.Model;

/// <summary>
/// What a request that leaves sampling unset gets: <c>generation_config.json</c> as <c>generate</c> of transformers reads it.
/// </summary>
internal sealed record GenerationDefaults
{
    /// <summary>The implicit top-k of transformers when sampling is on and the file names none.</summary>
    public const int ImplicitTopK = 50;

    /// <summary>Ids that end a sequence, in the file's order; none ends by length only.</summary>
    public required IReadOnlyList<uint> EosTokenIds { get; init; }

    /// <summary>Whether an unset request samples at all; without it every other value but the penalties is neutral.</summary>
    public bool DoSample { get; init; }

    /// <summary>0 is greedy.</summary>
    public float Temperature { get; init; }

    /// <summary>0 is off.</summary>
    public int TopK { get; init; }

    /// <summary>1 is off.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>0 is off.</summary>
    public float MinP { get; init; }

    /// <summary>1 is off.</summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>1 is off; transformers applies it without sampling too.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>0 is off; transformers applies it without sampling too.</summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Least number of new tokens; 0 is none.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>Most new tokens, where the file names a number.</summary>
    public int? MaxNewTokens { get; init; }
}
