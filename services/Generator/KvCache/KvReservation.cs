using Parley.Generator.Sequences;

namespace Parley.Generator.KvCache;

/// <summary>
/// The blocks that one step takes, row by row. A step that succeeds commits them: its tokens are in the cache. One that does not
/// releases them: every table is as long as before.
/// </summary>
internal sealed class KvReservation(KvBlockPool pool)
{
    private readonly List<Row> _rows = [];

    /// <summary>Makes room for a row's new tokens and the draft behind them.</summary>
    /// <returns>False when the pool is short; nothing was taken then.</returns>
    public bool TryReserve(Sequence sequence, int newTokens, int draftTokens)
    {
        var countBefore = sequence.Blocks.Count;
        var countAfter = pool.BlocksFor(sequence.CachedLength + newTokens + draftTokens);
        if (countAfter - countBefore > pool.FreeCount)
            return false;
        while (sequence.Blocks.Count < countAfter && pool.TryTake(out var block))
            sequence.Blocks.Add(block);
        _rows.Add(new Row(sequence, countBefore, newTokens));
        return true;
    }

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
    public void Commit()
    {
        foreach (var (sequence, _, newTokens) in _rows)
        {
            sequence.CachedLength += newTokens;
            pool.Publish(sequence.Blocks, sequence.Tokens[..sequence.CachedLength]);
        }

        _rows.Clear();
    }

    /// <summary>After a draft was verified: publishes what of it is right and gives back what was reserved for the rest.</summary>
    public void CommitDraft(Sequence sequence)
    {
        pool.Trim(sequence.Blocks, pool.BlocksFor(sequence.CachedLength));
        pool.Publish(sequence.Blocks, sequence.Tokens[..sequence.CachedLength]);
    }

    /// <summary>Gives back what the rows took.</summary>
    public void Release()
    {
        foreach (var (sequence, countBefore, _) in _rows)
            pool.Trim(sequence.Blocks, countBefore);
        _rows.Clear();
    }

    private readonly record struct Row(Sequence Sequence, int CountBefore, int NewTokens);
}
