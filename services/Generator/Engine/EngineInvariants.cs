using Parley.Generator.KvCache;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;

namespace Parley.Generator.Engine;

/// <summary>
/// What must hold between two steps. Checked after each simulated step, in Debug after every step, and when the engine turns idle.
/// </summary>
internal static class EngineInvariants
{
    /// <summary>Lists all violations; none is the good answer.</summary>
    public static IReadOnlyList<string> Check(Scheduler scheduler, KvBlockPool pool, EngineLimits limits)
    {
        var violations = new List<string>();
        pool.Validate(violations);
        CheckReferences(scheduler.Running, pool, violations);
        if (pool.States is not null)
            CheckStates(scheduler.Running, pool, violations);
        if (scheduler.Running.Count > limits.RunningSequencesMax)
            violations.Add($"{scheduler.Running.Count} sequences run, {limits.RunningSequencesMax} may.");

        foreach (var sequence in scheduler.Running)
            CheckRunning(sequence, pool, limits, violations);
        foreach (var sequence in scheduler.Waiting)
            CheckWaiting(sequence, violations);
        for (var i = 1; i < scheduler.Running.Count; i++)
        {
            if (scheduler.Running[i - 1].Order >= scheduler.Running[i].Order)
                violations.Add($"{scheduler.Running[i].RequestId} runs out of order.");
        }

        return violations;
    }

    private static void CheckReferences(IReadOnlyList<Sequence> running, KvBlockPool pool, List<string> violations)
    {
        var references = new int[pool.BlockCount];
        foreach (var sequence in running)
        {
            foreach (var block in sequence.Blocks.Held)
                references[block]++;
            CheckWritable(sequence, pool, violations);
        }

        for (var block = 0; block < references.Length; block++)
        {
            if (references[block] != pool.References(block))
                violations.Add($"Block {block} stands in {references[block]} tables and has {pool.References(block)} references.");
        }
    }

    /// <summary>Each sequence with tokens in the cache holds one slot, and nothing that a step would have saved is left over.</summary>
    private static void CheckStates(IReadOnlyList<Sequence> running, KvBlockPool pool, List<string> violations)
    {
        var held = new int[pool.States!.SlotCount];
        foreach (var sequence in running)
        {
            var states = sequence.States;
            if ((states.Slot >= 0) != (sequence.CachedLength > 0))
                violations.Add($"{sequence.RequestId} has {sequence.CachedLength} tokens in the cache and state slot {states.Slot}.");
            if (states.Slot >= 0)
                held[states.Slot]++;
            if (states.Saved.Count > 0)
                violations.Add($"{sequence.RequestId} saves {states.Saved.Count} states between two steps.");
        }

        pool.States.Validate(held, pool.IsKnown, violations);
    }

    /// <summary>What a sequence will write next goes into a block of its own.</summary>
    private static void CheckWritable(Sequence sequence, KvBlockPool pool, List<string> violations)
    {
        var index = sequence.CachedLength / pool.BlockTokens;
        if (index < sequence.Blocks.Count && pool.References(sequence.Blocks.Blocks[index]) != 1)
            violations.Add($"{sequence.RequestId} writes into block {sequence.Blocks.Blocks[index]}, which others read.");
        if (sequence.Blocks.IndexedCount != index)
            violations.Add($"{sequence.RequestId} has {index} whole blocks, {sequence.Blocks.IndexedCount} of them published.");
    }

    private static void CheckRunning(Sequence sequence, KvBlockPool pool, EngineLimits limits, List<string> violations)
    {
        var name = sequence.RequestId;
        if (sequence.Status != SequenceStatus.Running)
            violations.Add($"{name} is among the running and {sequence.Status}.");
        if (sequence.CachedLength >= sequence.Length)
            violations.Add($"{name} has {sequence.CachedLength} of {sequence.Length} tokens in the cache: nothing is left to read.");
        if (sequence.Blocks.Count != pool.BlocksFor(sequence.CachedLength))
            violations.Add($"{name} has {sequence.Blocks.Count} blocks for {sequence.CachedLength} tokens.");
        if (sequence.Length >= limits.ContextTokensMax)
            violations.Add($"{name} has {sequence.Length} tokens in a context of {limits.ContextTokensMax}.");
        if (sequence.AnswerLength >= Math.Max(sequence.Parameters.MaxTokens, 1))
            violations.Add($"{name} has {sequence.AnswerLength} tokens and may have {sequence.Parameters.MaxTokens}.");
        if (sequence.Stream.End is not null)
            violations.Add($"{name} runs after its end.");
    }

    private static void CheckWaiting(Sequence sequence, List<string> violations)
    {
        if (sequence.Status is not (SequenceStatus.Queued or SequenceStatus.Preempted))
            violations.Add($"{sequence.RequestId} waits and is {sequence.Status}.");
        if (sequence.Blocks.Count != 0 || sequence.CachedLength != 0)
            violations.Add($"{sequence.RequestId} waits and holds {sequence.Blocks.Count} blocks.");
        if (sequence.States.Slot >= 0 || sequence.States.Saved.Count != 0)
            violations.Add($"{sequence.RequestId} waits and holds state slot {sequence.States.Slot}.");
        if (sequence.Stream.End is not null)
            violations.Add($"{sequence.RequestId} waits after its end.");
    }
}
