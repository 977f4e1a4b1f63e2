using Parley.Generator.Sequences;

namespace Parley.Generator.KvCache;

/// <summary>
/// The blocks that one step takes, row by row. A step that succeeds commits them: its tokens are in the cache. One that does not
/// releases them: every table is as long as before.
/// </summary>
internal sealed class KvReservation(KvBlockPool pool)
{
    private readonly List<Row> _rows = [];

    /// <summary>Makes room for a row's new tokens.</summary>
    /// <returns>False when the pool is short; nothing was taken then.</returns>
    public bool TryReserve(Sequence sequence, int newTokens)
    {
        var countBefore = sequence.Blocks.Count;
        if (!TryTake(sequence, newTokens))
            return false;
        _rows.Add(new Row(sequence, countBefore, newTokens));
        return true;
    }

    /// <summary>Makes room for the draft behind a row's new tokens, once all rows have what they need.</summary>
    /// <returns>False when the pool is short; nothing was taken then.</returns>
    public bool TryReserveDraft(Sequence sequence, int newTokens, int draftTokens) => TryTake(sequence, newTokens + draftTokens);

    /// <summary>Takes a sequence out; its blocks are then its owner's to give back.</summary>
    public void Forget(Sequence sequence)
    {
        for (var i = _rows.Count - 1; i >= 0; i--)
        {
            if (_rows[i].Sequence == sequence)
                _rows.RemoveAt(i);
        }
    }

    /// <summary>The rows' new tokens are in the cache now, and whole blocks can be shared; drafts are committed when verified.</summary>
    /// <param name="faults">Grows by the sequences for which that throws.</param>
    public void Commit(List<SequenceFault> faults)
    {
        foreach (var (sequence, _, newTokens) in _rows)
        {
            try
            {
                sequence.CachedLength += newTokens;
                Publish(sequence);
                if (sequence.DraftLength == 0)
                    pool.States?.Settle(sequence.States, sequence.CachedLength);
                pool.ReleaseBehindWindow(sequence.Blocks, sequence.CachedLength);
            }
            catch (Exception exception)
            {
                faults.Add(new SequenceFault(sequence, exception));
            }
        }

        _rows.Clear();
    }

    /// <summary>After a draft was verified: publishes what of it is right and gives back what was reserved for the rest.</summary>
    public void CommitDraft(Sequence sequence)
    {
        pool.Trim(sequence.Blocks, pool.BlocksFor(sequence.CachedLength));
        Publish(sequence);
        pool.States?.Settle(sequence.States, sequence.CachedLength);
    }

    /// <summary>Gives back what the rows took.</summary>
    public void Release()
    {
        foreach (var (sequence, countBefore, _) in _rows)
            pool.Trim(sequence.Blocks, countBefore);
        _rows.Clear();
    }

    private void Publish(Sequence sequence) =>
        pool.Publish(sequence.Blocks, sequence.Tokens[..sequence.CachedLength], sequence.States, sequence.PromptLength);

    private bool TryTake(Sequence sequence, int tokens)
    {
        var count = pool.BlocksFor(sequence.CachedLength + tokens);
        if (count - sequence.Blocks.Count > pool.FreeCount)
            return false;
        while (sequence.Blocks.Count < count && pool.TryTake(out var block))
            sequence.Blocks.Add(block);
        return true;
    }

    private readonly record struct Row(Sequence Sequence, int CountBefore, int NewTokens);
}
