using System.Collections.Frozen;

namespace Parley.Generator.Sequences;

/// <summary>
/// How the next token of one sequence is chosen and when the sequence ends, with every default applied and every value checked:
/// the edge makes it, nothing behind the edge asks what an unset field means.
/// </summary>
internal sealed record SamplingParameters
{
    /// <summary>False is greedy: the best logit, the lowest id among equals.</summary>
    public bool Sample { get; init; }

    /// <summary>Above 0; read when <see cref="Sample"/>.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>0 is off.</summary>
    public int TopK { get; init; }

    /// <summary>1 is off.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>0 is off.</summary>
    public float MinP { get; init; }

    /// <summary>1 is off.</summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>Over prompt and answer; 1 is off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken from every token that the answer holds; 0 is off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Taken once for each time that the answer holds the token; 0 is off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>No run of this many tokens stands twice in prompt and answer; 0 is off.</summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Added to the logits of these ids.</summary>
    public IReadOnlyList<KeyValuePair<int, float>> LogitBias { get; init; } = [];

    /// <summary>When not empty, every other id is out. Ascending, no id twice.</summary>
    public IReadOnlyList<int> AllowedTokenIds { get; init; } = [];

    public IReadOnlyList<int> BannedTokenIds { get; init; } = [];

    /// <summary>Out for the first token of the answer only.</summary>
    public IReadOnlyList<int> BeginBannedTokenIds { get; init; } = [];

    /// <summary>Added where a run of several tokens would become whole.</summary>
    public IReadOnlyList<TokenRunBias> RunBias { get; init; } = [];

    /// <summary>Runs that never become whole; none is empty.</summary>
    public IReadOnlyList<IReadOnlyList<uint>> BadRuns { get; init; } = [];

    /// <summary>Stages that few requests have; null where none is on.</summary>
    public ProcessorSettings? Processors { get; init; }

    /// <summary>One of them is the first token of the answer; empty is off.</summary>
    public IReadOnlyList<int> ForcedFirstTokenIds { get; init; } = [];

    /// <summary>One of them is the last token that the answer may have; empty is off.</summary>
    public IReadOnlyList<int> ForcedLastTokenIds { get; init; } = [];

    /// <summary>How long the answer may reason; null for as long as it likes.</summary>
    public ReasoningBudget? Reasoning { get; init; }

    /// <summary>Key of the sequence's random numbers, given or drawn.</summary>
    public ulong Seed { get; init; }

    /// <summary>Most tokens of the answer, resumed ones included; 0 only where the prompt is judged.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Until the answer holds this many tokens, stop ids are not chosen, and eos ids unless they are ignored.</summary>
    public int MinTokens { get; init; }

    /// <summary>An eos id is delivered like any other.</summary>
    public bool IgnoreEos { get; init; }

    public FrozenSet<uint> StopTokenIds { get; init; } = [];

    /// <summary>Report the log-probability of each chosen token.</summary>
    public bool Logprobs { get; init; }

    /// <summary>And of this many best ones.</summary>
    public int TopLogprobs { get; init; }

    /// <summary>Report the log-probabilities of the prompt's tokens, each with this many best ones in its place; null is off.</summary>
    public int? PromptLogprobs { get; init; }

    /// <summary>Report this many best candidates with their probability after each stage; 0 is off.</summary>
    public int TraceCandidates { get; init; }

    /// <summary>Higher is served earlier.</summary>
    public int Priority { get; init; }

    /// <summary>Tokens of a draft at most; 0 is off.</summary>
    public int DraftTokens { get; init; }

    /// <summary>Drafts take only what a step has at no price.</summary>
    public bool FreeDraftsOnly { get; init; }

    /// <summary>Some stage reads the tokens so far.</summary>
    public bool HasPenalties => RepetitionPenalty != 1 || PresencePenalty != 0 || FrequencyPenalty != 0;
}
