namespace Parley.Generator.Engine;

/// <summary>The sizes that the engine is made with: options and model brought together.</summary>
internal sealed record EngineLimits
{
    /// <summary>Prompt and answer of one sequence together: never more than model, options and block pool can hold.</summary>
    public required int ContextTokensMax { get; init; }

    public required int StepTokensMax { get; init; }

    public required int PrefillChunkTokens { get; init; }

    public required int RunningSequencesMax { get; init; }

    public required TimeSpan SlowReaderMax { get; init; }

    public required TimeSpan PriorityAging { get; init; }

    public required int StepFailuresMax { get; init; }
}
