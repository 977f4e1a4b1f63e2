using Parley.Generator.KvCache;
using Parley.Generator.Sequences;

namespace Parley.Generator.Scheduling;

/// <summary>
/// Computes a prompt that several running sequences have in common once: who stands at the edge of a block takes the whole blocks that
/// have become known meanwhile, waits for those that another is about to compute, and copies the common part of the block in which
/// the two go apart. (Each of them writes into that block in its next step, so on write is at once.)
/// </summary>
/// <remarks>
/// Nothing of this is remembered from step to step: who waited for one that was cancelled, preempted or failed simply finds nobody to
/// wait for. One waits only for who is further, or equally far and before it, so there is always one that goes on.
/// </remarks>
/// <param name="pool">The blocks.</param>
/// <param name="tryCopyBlock">Copies the content of one block over another: source, destination. False when it cannot.</param>
internal sealed class PromptSharing(KvBlockPool pool, Func<int, int, bool> tryCopyBlock)
{
    private const int CopiedPositionsPerToken = 64;

    /// <summary>Takes over what others have computed.</summary>
    /// <param name="sequence">One of the running.</param>
    /// <param name="running">All of them.</param>
    /// <returns>True when it should not read on by itself in this step.</returns>
    public bool MustWait(Sequence sequence, List<Sequence> running)
    {
        sequence.SharedLength = 0;
        if (sequence.PausedAt != 0 || !IsAtBlockEdge(sequence))
            return false;
        sequence.TakeCached(pool.ShareCached(sequence.Blocks, sequence.Reusable, sequence.States));
        Sequence? source = null;
        Sequence? leader = null;
        var (copyLength, waitLength) = (sequence.CachedLength, sequence.CachedLength);
        var isBefore = true;
        foreach (var other in running)
        {
            if (other == sequence)
            {
                isBefore = false;
                continue;
            }

            var common = CommonLength(sequence, other);
            // A state is to be had at the borders of blocks alone, so nothing is copied.
            if (pool.States is null && Math.Min(common, other.CachedLength) is var computed && computed > copyLength)
                (copyLength, source) = (computed, other);
            if (other.CachedLength < common && common > waitLength && MayWaitFor(sequence, other, isBefore))
                (waitLength, leader) = (common, other);
        }

        if (waitLength > copyLength && IsWorthAStep(sequence, waitLength))
        {
            sequence.SharedLength = waitLength;
            if (pool.States is not null)
                leader!.States.Awaited.Add(waitLength);
            return true;
        }

        if (source is not null && IsWorthACopy(copyLength - sequence.CachedLength))
            CopyPart(sequence, source, copyLength);
        return false;
    }

    /// <summary>Tokens of a sequence that stand to be shared when it starts: with one of the running, computed or to be.</summary>
    public int CommonLengthMax(Sequence sequence, List<Sequence> running)
    {
        var longest = 0;
        foreach (var other in running)
        {
            if (other.PausedAt == 0 && CommonLength(sequence, other) is var common && (pool.States is null || common > other.CachedLength))
                longest = Math.Max(longest, common);
        }

        return longest;
    }

    /// <summary>Past its own first token in a block, a sequence goes on alone; so does one that has only its last token to read.</summary>
    private bool IsAtBlockEdge(Sequence sequence) =>
        sequence.PendingLength > 1 && sequence.CachedLength == sequence.Blocks.Count * pool.BlockTokens;

    private static bool MayWaitFor(Sequence sequence, Sequence other, bool isBefore) =>
        other.PausedAt == 0
        && (other.CachedLength > sequence.CachedLength || (isBefore && other.CachedLength == sequence.CachedLength));

    /// <summary>A first token in common is no reason to wait; a block is, and so is half of what is left to read.</summary>
    private bool IsWorthAStep(Sequence sequence, int commonLength) =>
        commonLength - sequence.CachedLength is var gain
        && IsWorthACopy(gain) && (gain >= pool.BlockTokens || gain * 2 >= sequence.PendingLength);

    /// <summary>
    /// A block is copied whole. To compute a token takes as long as to copy some hundred positions, on any device: always worth it for
    /// small blocks, and not for the few tokens that all templates begin with where a block is a slot of thousands.
    /// </summary>
    private bool IsWorthACopy(int gain) => (long)gain * CopiedPositionsPerToken >= pool.BlockTokens;

    /// <summary>Leading tokens that both have; those of the first whose logits are wanted are left out.</summary>
    private int CommonLength(Sequence sequence, Sequence other)
    {
        var common = sequence.Blocks.Root == other.Blocks.Root ? sequence.Reusable.CommonPrefixLength(other.Tokens) : 0;
        return pool.States is null ? common : common / pool.BlockTokens * pool.BlockTokens;
    }

    /// <summary>
    /// Copies one block of another's. Whole blocks can be in it too, when the index knew an equal one that is gone: then the first is
    /// copied now and the next at the next step.
    /// </summary>
    private void CopyPart(Sequence sequence, Sequence source, int commonLength)
    {
        var index = sequence.Blocks.Count;
        // What lies behind the other's window is gone.
        if (index < source.Blocks.ReleasedCount)
            return;
        if (!pool.TryTake(out var block))
            return;
        sequence.Blocks.Add(block);
        if (!tryCopyBlock(source.Blocks.Blocks[index], block))
        {
            pool.Trim(sequence.Blocks, index);
            return;
        }

        sequence.TakeCached(Math.Min(commonLength, (index + 1) * pool.BlockTokens));
        pool.Publish(sequence.Blocks, sequence.Tokens[..sequence.CachedLength]);
    }
}
