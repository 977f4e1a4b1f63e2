using Parley.Generator.Engine;

namespace Parley.Generator;

/// <summary>What the gauges of <see cref="GeneratorTelemetry"/> read, on the thread of whoever collects.</summary>
internal sealed record EngineGauges
{
    /// <summary>The served name, a label of every series.</summary>
    public required string Model { get; init; }

    /// <summary>The state after the last step; null where there is none.</summary>
    public required Func<EngineSnapshot?> Snapshot { get; init; }

    /// <summary>Requests that wait, and prompt tokens of theirs.</summary>
    public Func<(int Requests, int PromptTokens)> Queue { get; init; } = static () => default;

    /// <summary>Time since the engine's thread last went round.</summary>
    public Func<TimeSpan?> Heartbeat { get; init; } = static () => null;

    /// <summary>Whether the engine takes work, or would if it did not drain.</summary>
    public Func<bool> IsHealthy { get; init; } = static () => true;

    /// <summary>Most tokens that a step may have.</summary>
    public int StepTokensMax { get; init; }
}
