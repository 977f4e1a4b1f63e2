namespace Parley.Generator.Engine;

/// <summary>The engine's state after a step. A value, so that a step leaves nothing behind for the collector.</summary>
internal readonly record struct EngineSnapshot(
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
