using Parley.Generator.Sequences;

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

    /// <summary>Least number of new tokens, where the file names a number: it comes before <see cref="MinLength"/>.</summary>
    public int? MinNewTokens { get; init; }

    /// <summary>Least number of tokens of prompt and answer; 0 is none.</summary>
    public int MinLength { get; init; }

    /// <summary>Most new tokens, where the file names a number: it comes before <see cref="MaxLength"/>.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Most tokens of prompt and answer, where the file names a number.</summary>
    public int? MaxLength { get; init; }

    /// <summary><c>suppress_tokens</c>: never chosen.</summary>
    public IReadOnlyList<uint> SuppressTokenIds { get; init; } = [];

    /// <summary><c>begin_suppress_tokens</c>: not chosen for the first token of an answer.</summary>
    public IReadOnlyList<uint> BeginSuppressTokenIds { get; init; } = [];

    /// <summary><c>bad_words_ids</c>.</summary>
    public IReadOnlyList<IReadOnlyList<uint>> BadRuns { get; init; } = [];

    /// <summary><c>sequence_bias</c>.</summary>
    public IReadOnlyList<TokenRunBias> RunBias { get; init; } = [];

    /// <summary>1 is off; transformers applies it without sampling too.</summary>
    public float EncoderRepetitionPenalty { get; init; } = 1;

    /// <summary><c>exponential_decay_length_penalty</c>; transformers applies it without sampling too.</summary>
    public LengthDecaySettings? LengthDecay { get; init; }

    /// <summary>0 is off.</summary>
    public float TopH { get; init; }

    /// <summary>0 is off.</summary>
    public float EpsilonCutoff { get; init; }

    /// <summary>0 is off.</summary>
    public float EtaCutoff { get; init; }

    /// <summary><c>forced_bos_token_id</c>: the second token of all, where the prompt is a single one.</summary>
    public uint? ForcedBosTokenId { get; init; }

    /// <summary><c>forced_eos_token_id</c>: the last token that an answer may have is one of them; empty is off.</summary>
    public IReadOnlyList<uint> ForcedEosTokenIds { get; init; } = [];

    /// <summary><c>stop_strings</c>: for whoever turns ids into text.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Keys of the file that change the model's answers and are not followed.</summary>
    public IReadOnlyList<string> Unhonoured { get; init; } = [];
}
