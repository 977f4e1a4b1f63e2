using Parley.Generator.Execution;
using Parley.Generator.KvCache;

namespace Parley.Generator.Engine;

/// <summary>The sizes that the engine is made with: options and model brought together.</summary>
internal sealed record EngineLimits
{
    private const int PromptRowsMin = 16;

    /// <summary>Prompt and answer of one sequence together: never more than model, options and block pool can hold.</summary>
    public required int ContextTokensMax { get; init; }

    public required int StepTokensMax { get; init; }

    public required int PrefillChunkTokens { get; init; }

    public required int RunningSequencesMax { get; init; }

    public required TimeSpan SlowReaderMax { get; init; }

    public required TimeSpan PriorityAging { get; init; }

    public required int StepFailuresMax { get; init; }

    /// <summary>Steps in a row that had numbers for nobody.</summary>
    public int ModelFaultsMax { get; init; } = 8;

    /// <summary>Tokens of one draft; 0 is off.</summary>
    public int DraftTokensMax { get; init; }

    /// <summary>Tokens that the model's own head guesses ahead, where it is used; 0 is off.</summary>
    public int HeadDraftTokensMax { get; init; }

    /// <summary>How far snapshots of states in a prompt are apart, beside the last.</summary>
    public int StateSnapshotTokens { get; init; } = 512;

    /// <summary>Tokens of all drafts of a step: at most as many as sequences may run, unless one draft alone is longer.</summary>
    public int StepDraftTokensMax => DraftTokensMax == 0 ? 0 : Math.Max(DraftTokensMax, RunningSequencesMax);

    /// <summary>How far a model looks back, where every layer has a window and its runner reads nothing behind; else null.</summary>
    public KvWindow? WindowOf(IModelRunner runner) => runner is { SkipsBehindWindow: true, Shape.WindowTokens: { } tokens }
        ? new KvWindow(tokens, StepTokensMax + DraftTokensMax) : null;

    /// <summary>Rows of logits for judging prompts that a step has where it drafts nothing.</summary>
    public int StepPromptRowsMax => Math.Max(StepDraftTokensMax, PromptRowsMin);

    /// <summary>Rows of logits of a step.</summary>
    public int LogitRowsMax => RunningSequencesMax + StepPromptRowsMax;
}
