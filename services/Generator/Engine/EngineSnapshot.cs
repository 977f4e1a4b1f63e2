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
    long AcceptedTokens)
{
    /// <summary>Of the drafted tokens those that the model's own head guessed.</summary>
    public long HeadDraftTokens { get; init; }

    /// <summary>Those of them that were right.</summary>
    public long HeadAcceptedTokens { get; init; }

    /// <summary>Slots of states; 0 where the model has none.</summary>
    public int StateSlots { get; init; }

    /// <summary>Those in use, by sequences and by snapshots.</summary>
    public int StateSlotsUsed { get; init; }

    /// <summary>Those that are snapshots.</summary>
    public int StateSnapshots { get; init; }

    /// <summary>How often a sequence has begun from a snapshot.</summary>
    public long StateSnapshotsTaken { get; init; }

    /// <summary>Snapshots that gave way to others.</summary>
    public long StateSnapshotsEvicted { get; init; }

    /// <summary>Snapshots that were not what they had been, and were dropped.</summary>
    public long StateSnapshotsBroken { get; init; }
}
