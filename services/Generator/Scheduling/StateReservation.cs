using Parley.Generator.Sequences;
using Parley.Generator.States;

namespace Parley.Generator.Scheduling;

/// <summary>
/// The slots that one step writes, row by row: one for the state behind a sequence's last token, one behind each token of a draft, since
/// any of them may be the last that is right, and snapshots where others may begin.
/// </summary>
/// <param name="pool">The slots.</param>
/// <param name="blockTokens">Positions of a block; snapshots are at their borders.</param>
/// <param name="snapshotTokens">How far the snapshots of a prompt are apart beside the last.</param>
internal sealed class StateReservation(StatePool pool, int blockTokens, int snapshotTokens)
{
    /// <summary>Finds slots for a row's new tokens.</summary>
    /// <returns>False when all are in use; nothing was taken then.</returns>
    public bool TryReserve(Sequence sequence, int newTokens)
    {
        var states = sequence.States;
        if (states.Saved.Count > 0)
            return true;
        if (!TryTakeOwn(states, out var own))
            return false;
        var end = sequence.CachedLength + newTokens;
        states.Saved.Add(new SavedState(end, own, end % blockTokens == 0 && IsWanted(sequence, end)));

        // From the last on: those are worth more.
        var most = Math.Max(1, (pool.SlotCount - 1) / 2);
        for (var border = (end - 1) / blockTokens * blockTokens; border > sequence.CachedLength && most > 0; border -= blockTokens)
        {
            if (!IsWanted(sequence, border))
                continue;
            if (!pool.TryTake(out var slot))
                break;
            states.Saved.Add(new SavedState(border, slot, IsSnapshot: true));
            most--;
        }

        states.Awaited.RemoveAll(length => length <= end);
        return true;
    }

    /// <summary>Finds slots for the draft behind a row's new tokens.</summary>
    /// <returns>False when the pool is short; nothing was taken then.</returns>
    public bool TryReserveDraft(Sequence sequence, int newTokens, int draftTokens)
    {
        var end = sequence.CachedLength + newTokens;
        for (var length = end + 1; length <= end + draftTokens; length++)
        {
            if (!pool.TryTake(out var slot))
            {
                pool.Cut(sequence.States, end);
                return false;
            }

            sequence.States.Saved.Add(new SavedState(length, slot, length % blockTokens == 0));
        }

        return true;
    }

    /// <summary>In place where nobody else reads the slot, else another; the snapshot that it is gives way where there is none.</summary>
    private bool TryTakeOwn(SequenceStates states, out int slot)
    {
        slot = states.Slot;
        if (slot == StatePool.None || !pool.IsExclusive(slot))
        {
            if (pool.TryTake(out var other))
            {
                slot = other;
                return true;
            }

            if (slot == StatePool.None || !pool.TryOwn(slot))
                return false;
        }

        pool.AddReference(slot);
        return true;
    }

    /// <summary>
    /// Where a snapshot is worth its slot: at the last borders that the sequence has, at regular ones, where another waits for it, and where
    /// what is known of the prompt ends.
    /// </summary>
    private bool IsWanted(Sequence sequence, int border) => border % snapshotTokens == 0
        || border == sequence.Length / blockTokens * blockTokens || border == (sequence.Length - 1) / blockTokens * blockTokens
        || border == sequence.States.BranchLength || sequence.States.Awaited.Contains(border);
}
