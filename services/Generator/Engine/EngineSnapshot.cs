namespace Parley.Generator.Engine;

/// <summary>The engine's state after a step; immutable, read by anybody.</summary>
internal sealed record EngineSnapshot(
    int RunningSequences,
    int WaitingSequences,
    int KvBlocksUsed,
    int KvBlocks,
    long Steps,
    long PromptTokens,
    long CompletionTokens,
    long CachedTokens,
    long Preemptions,
    long DraftTokens,
    long AcceptedTokens);
