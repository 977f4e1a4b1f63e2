namespace Parley.Gateway.Balancing;

/// <summary>What a replica has to do.</summary>
/// <param name="QueuedRequests">Requests that wait to run.</param>
/// <param name="QueuedPromptTokens">Prompt tokens of theirs.</param>
/// <param name="RunningSequences">Sequences that run.</param>
/// <param name="KvUtilization">Part of its KV blocks that sequences hold, 0 to 1.</param>
internal sealed record ReplicaLoad(int QueuedRequests, int QueuedPromptTokens, int RunningSequences, double KvUtilization)
{
    /// <summary>It finishes what it has and takes nothing new, or says that it cannot work.</summary>
    public bool IsClosed { get; init; }

    /// <summary>Steps of its engine since it began: where sequences run and this stands still, it hangs.</summary>
    public ulong Steps { get; init; }
}
