using Parley.Generator.States;

namespace Parley.Generator.KvCache;

/// <summary>
/// Who uses which KV block. The memory itself is the runner's; this is its bookkeeping: reference counts, and the blocks without
/// a reference in the order in which they may be taken. A free block keeps its content for the prefix index until it is taken:
/// blocks without known content first, then the one unused for longest.
/// </summary>
internal sealed class KvBlockPool
{
    private readonly int[] _references;
    private readonly int[] _previous;
    private readonly int[] _next;
    private readonly PrefixIndex _index;
    private readonly KvWindow? _window;
    private readonly StatePool? _states;
    private readonly int _head;

    /// <param name="blockCount">Blocks; their ids are 0 to this number − 1.</param>
    /// <param name="blockTokens">Positions per block.</param>
    /// <param name="contextTokensMax">Longest sequence; no table needs blocks beyond it.</param>
    /// <param name="window">How far the model looks back; null for to the beginning.</param>
    /// <param name="states">Where a block is worth nothing without the state behind it: those; else null.</param>
    public KvBlockPool(
        int blockCount, int blockTokens, int contextTokensMax = int.MaxValue, KvWindow? window = null, StatePool? states = null)
    {
        _window = window;
        _states = states;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockCount);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockTokens);
        BlockTokens = blockTokens;
        BlocksPerSequenceMax = (int)(((long)contextTokensMax + blockTokens - 1) / blockTokens);
        _references = new int[blockCount];
        _previous = new int[blockCount + 1];
        _next = new int[blockCount + 1];
        _index = new PrefixIndex(blockCount, blockTokens);

        // The list is a ring through a sentinel, so that linking needs no special case.
        _head = blockCount;
        _previous[_head] = _next[_head] = _head;
        for (var block = 0; block < blockCount; block++)
            Link(block, _previous[_head]);
    }

    /// <summary>States beside the blocks; null where the model has none.</summary>
    public StatePool? States => _states;

    public int BlockTokens { get; }

    /// <summary>Blocks of the longest sequence; 1 where a block is a slot that holds a whole one.</summary>
    public int BlocksPerSequenceMax { get; }

    public int BlockCount => _references.Length;

    /// <summary>Blocks without a reference, with or without content.</summary>
    public int FreeCount { get; private set; }

    public int UsedCount => BlockCount - FreeCount;

    /// <summary>Blocks needed for this many positions.</summary>
    public int BlocksFor(int tokens) => (tokens + BlockTokens - 1) / BlockTokens;

    /// <summary>Blocks that a sequence of this many positions holds at once: not all where the model looks back no further.</summary>
    public int BlocksHeldFor(int tokens) => Math.Min(BlocksFor(tokens), _window?.BlocksMax(BlockTokens) ?? int.MaxValue);

    public int References(int block) => _references[block];

    /// <summary>Takes a free block and forgets its content.</summary>
    /// <returns>False when none is free.</returns>
    public bool TryTake(out int block)
    {
        block = _next[_head];
        if (block == _head)
            return false;
        Unlink(block);
        Forget(block);
        _references[block] = 1;
        return true;
    }

    /// <summary>
    /// Gives back all blocks of a table from the end, so that a prefix outlives what follows it, and empties the table; states, too.
    /// </summary>
    public void ReleaseAll(BlockTable table, SequenceStates? states = null)
    {
        Trim(table, 0);
        table.Reset();
        if (states is not null)
            _states?.Release(states);
    }

    /// <summary>
    /// Makes the blocks of a table unknown, and the states that were kept beside them: nobody who comes later shares them, whoever has
    /// them keeps them.
    /// </summary>
    public void Forget(BlockTable table, SequenceStates? states = null)
    {
        foreach (var block in table.Held)
            Forget(block);

        // A block that was known before holds the same keys, but the state is this one's.
        foreach (var kept in states?.Kept ?? [])
            _states?.Detach(kept);
    }

    private void Forget(int block)
    {
        _index.Remove(block);
        _states?.Detach(block);
    }

    /// <summary>Gives back the leading blocks that no layer looks at behind so many tokens.</summary>
    public void ReleaseBehindWindow(BlockTable table, int cachedLength)
    {
        var count = Math.Min((_window?.FirstNeeded(cachedLength) ?? 0) / BlockTokens, table.Count);
        while (table.ReleasedCount < count)
            Release(table.RemoveFirst());
    }

    /// <summary>Gives back the blocks behind the first <paramref name="count"/>.</summary>
    public void Trim(BlockTable table, int count)
    {
        while (table.Count > count)
        {
            var isHeld = table.Held.Length > 0;
            var block = table.RemoveLast();
            if (isHeld)
                Release(block);
        }
    }

    /// <summary>
    /// Leading whole blocks of these tokens that are in the cache, up to the last with a snapshot where the model has states; takes
    /// nothing.
    /// </summary>
    /// <param name="tokens">The tokens that may come from the cache.</param>
    /// <param name="freeCount">How many of them have no reference now, so that sharing them takes them from the free ones.</param>
    /// <param name="root">What their content begins from.</param>
    public int CountCached(ReadOnlySpan<uint> tokens, out int freeCount, long root = 0)
    {
        var (count, node, free, shared) = (0, root, 0, 0);
        freeCount = 0;
        while ((count + 1) * BlockTokens <= tokens.Length
            && _index.TryFind(node, tokens.Slice(count * BlockTokens, BlockTokens), out var block, out node))
        {
            count++;
            if (_references[block] == 0)
                free++;
            if (_states?.HasSnapshot(block) ?? true)
                (shared, freeCount) = (count, free);
        }

        return shared;
    }

    /// <summary>Puts the cached leading blocks of these tokens into a table that is empty or holds whole known blocks of them.</summary>
    /// <param name="table">The sequence's blocks.</param>
    /// <param name="tokens">Its tokens that may come from the cache.</param>
    /// <param name="states">Receives the state behind them; blocks without one are left.</param>
    /// <returns>Positions that the table holds then.</returns>
    public int ShareCached(BlockTable table, ReadOnlySpan<uint> tokens, SequenceStates? states = null)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(table.IndexedCount, table.Count);
        var count = _states is null || states is null ? int.MaxValue : TakeSnapshot(table, tokens, states);
        var node = table.PrefixNode;
        while (table.Count < count && (table.Count + 1) * BlockTokens <= tokens.Length
            && _index.TryFind(node, tokens.Slice(table.Count * BlockTokens, BlockTokens), out var block, out node))
        {
            if (_references[block]++ == 0)
                Unlink(block);
            table.Add(block);
            table.IndexedCount = table.Count;
            table.PrefixNode = node;
        }

        return table.Count * BlockTokens;
    }

    /// <summary>Takes the last snapshot that goes on from a table and is whole.</summary>
    /// <returns>Blocks up to it.</returns>
    private int TakeSnapshot(BlockTable table, ReadOnlySpan<uint> tokens, SequenceStates states)
    {
        while (true)
        {
            var (shared, last) = FindSnapshot(table, tokens, states);
            if (last == StatePool.None)
                return shared;
            if (!_states!.IsWhole(last))
                continue;
            var slot = _states.TakeSnapshot(last);
            _states.Hold(states, slot);
            _states.Release(slot);
            return shared;
        }
    }

    private (int Shared, int Last) FindSnapshot(BlockTable table, ReadOnlySpan<uint> tokens, SequenceStates states)
    {
        var (count, node, shared, last) = (table.Count, table.PrefixNode, table.Count, StatePool.None);
        while ((count + 1) * BlockTokens <= tokens.Length
            && _index.TryFind(node, tokens.Slice(count * BlockTokens, BlockTokens), out var block, out node))
        {
            count++;
            if (_states!.HasSnapshot(block))
                (shared, last) = (count, block);
        }

        states.BranchLength = Math.Max(states.BranchLength, count > shared ? count * BlockTokens : 0);
        return (shared, last);
    }

    /// <summary>Makes the blocks that became whole known to the index, and the states that were saved behind them.</summary>
    /// <param name="table">The sequence's blocks.</param>
    /// <param name="cachedTokens">Its tokens that are in the blocks.</param>
    /// <param name="states">What it has saved; null for nothing.</param>
    /// <param name="promptLength">Tokens of its prompt.</param>
    public void Publish(BlockTable table, ReadOnlySpan<uint> cachedTokens, SequenceStates? states = null, int promptLength = 0)
    {
        while ((table.IndexedCount + 1) * BlockTokens <= cachedTokens.Length)
        {
            var tokens = cachedTokens.Slice(table.IndexedCount * BlockTokens, BlockTokens);
            table.PrefixNode = _index.Add(table.PrefixNode, tokens, table.Blocks[table.IndexedCount], out var holder);
            table.IndexedCount++;
            if (_states is not null && states is not null)
                Keep(states, holder, table.IndexedCount * BlockTokens, isAnswer: table.IndexedCount * BlockTokens > promptLength);
        }
    }

    /// <summary>Keeps the state behind a block; of those within an answer the last two, unless somebody has begun from one.</summary>
    private void Keep(SequenceStates states, int block, int length, bool isAnswer)
    {
        var at = states.Saved.FindIndex(saved => saved.IsSnapshot && saved.Length == length);
        if (at < 0 || !_states!.Attach(block, states.Saved[at].Slot, isShared: length == states.BranchLength))
            return;
        states.Kept.Add((block, states.Saved[at].Slot));
        if (!isAnswer)
            return;
        _states.DetachUnshared(states.Trail.Older);
        states.Trail = (states.Trail.Newer, (block, states.Saved[at].Slot));
    }

    /// <summary>Adds what is wrong with the free list to <paramref name="violations"/>.</summary>
    public void Validate(List<string> violations)
    {
        var (free, steps) = (0, 0);
        for (var block = _next[_head]; block != _head && steps <= BlockCount; block = _next[block], steps++)
        {
            free++;
            if (_references[block] != 0)
                violations.Add($"Block {block} is free and has {_references[block]} references.");
            if (_previous[_next[block]] != block)
                violations.Add($"The free list is torn at block {block}.");
        }

        if (free != FreeCount)
            violations.Add($"{free} blocks are in the free list, {FreeCount} are counted.");
        var unreferenced = _references.AsSpan().Count(0);
        if (unreferenced != FreeCount)
            violations.Add($"{unreferenced} blocks have no reference, {FreeCount} are free.");
        _index.Validate(violations);
    }

    /// <summary>Whether what a block holds can be found.</summary>
    public bool IsKnown(int block) => _index.Contains(block);

    private void Release(int block)
    {
        if (_references[block] <= 0)
            throw new InvalidOperationException($"Block {block} has no reference to give back.");
        if (--_references[block] > 0)
            return;

        // Without content it is the first to be taken, with content the last.
        Link(block, _index.Contains(block) ? _previous[_head] : BlocksPerSequenceMax == 1 ? LastFreeBelow(block) : _head);
    }

    /// <summary>
    /// Slots are taken from the lowest up, so that those in use stay neighbours: a device reads neighbours at once. There are few of them.
    /// </summary>
    private int LastFreeBelow(int block)
    {
        var below = _head;
        while (_next[below] < block)
            below = _next[below];
        return below;
    }

    private void Link(int block, int after)
    {
        _previous[block] = after;
        _next[block] = _next[after];
        _previous[_next[after]] = block;
        _next[after] = block;
        FreeCount++;
    }

    private void Unlink(int block)
    {
        _next[_previous[block]] = _next[block];
        _previous[_next[block]] = _previous[block];
        FreeCount--;
    }
}
