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
    private readonly int _head;

    /// <param name="blockCount">Blocks; their ids are 0 to this number − 1.</param>
    /// <param name="blockTokens">Positions per block.</param>
    /// <param name="contextTokensMax">Longest sequence; no table needs blocks beyond it.</param>
    /// <param name="window">How far the model looks back; null for to the beginning.</param>
    public KvBlockPool(int blockCount, int blockTokens, int contextTokensMax = int.MaxValue, KvWindow? window = null)
    {
        _window = window;
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
        _index.Remove(block);
        _references[block] = 1;
        return true;
    }

    /// <summary>Gives back all blocks of a table from the end, so that a prefix outlives what follows it, and empties the table.</summary>
    public void ReleaseAll(BlockTable table)
    {
        Trim(table, 0);
        table.Reset();
    }

    /// <summary>Makes the blocks of a table unknown: nobody who comes later shares them, whoever has them keeps them.</summary>
    public void Forget(BlockTable table)
    {
        foreach (var block in table.Held)
            _index.Remove(block);
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

    /// <summary>Leading whole blocks of these tokens that are in the cache; takes nothing.</summary>
    /// <param name="tokens">The tokens that may come from the cache.</param>
    /// <param name="freeCount">How many of them have no reference now, so that sharing them takes them from the free ones.</param>
    /// <param name="root">What their content begins from.</param>
    public int CountCached(ReadOnlySpan<uint> tokens, out int freeCount, long root = 0)
    {
        var (count, node) = (0, root);
        freeCount = 0;
        while ((count + 1) * BlockTokens <= tokens.Length
            && _index.TryFind(node, tokens.Slice(count * BlockTokens, BlockTokens), out var block, out node))
        {
            count++;
            if (_references[block] == 0)
                freeCount++;
        }

        return count;
    }

    /// <summary>Puts the cached leading blocks of these tokens into a table that is empty or holds whole known blocks of them.</summary>
    /// <returns>Positions that the table holds then.</returns>
    public int ShareCached(BlockTable table, ReadOnlySpan<uint> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(table.IndexedCount, table.Count);
        var node = table.PrefixNode;
        while ((table.Count + 1) * BlockTokens <= tokens.Length
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

    /// <summary>Makes the blocks that became whole known to the index.</summary>
    /// <param name="table">The sequence's blocks.</param>
    /// <param name="cachedTokens">Its tokens that are in the blocks.</param>
    public void Publish(BlockTable table, ReadOnlySpan<uint> cachedTokens)
    {
        while ((table.IndexedCount + 1) * BlockTokens <= cachedTokens.Length)
        {
            var tokens = cachedTokens.Slice(table.IndexedCount * BlockTokens, BlockTokens);
            table.PrefixNode = _index.Add(table.PrefixNode, tokens, table.Blocks[table.IndexedCount]);
            table.IndexedCount++;
        }
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
