namespace Parley.Generator.Sequences;

/// <summary>How long an answer may reason, and how the reasoning is told from the rest. No run is empty.</summary>
/// <param name="IsOpen">The prompt has begun it.</param>
/// <param name="Openings">Runs of ids that begin it.</param>
/// <param name="Closings">Runs of ids that end it.</param>
/// <param name="ClosingIds">What ends it when the budget is spent.</param>
/// <param name="TokensMax">Tokens of reasoning.</param>
internal sealed record ReasoningBudget(
    bool IsOpen, IReadOnlyList<uint[]> Openings, IReadOnlyList<uint[]> Closings, IReadOnlyList<uint> ClosingIds, int TokensMax);
