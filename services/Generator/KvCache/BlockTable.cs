namespace Parley.Generator.KvCache;

/// <summary>A sequence's blocks in order: position p is in block [p / BlockTokens] at row p % BlockTokens.</summary>
internal sealed class BlockTable
{
    private int[] _blocks = [];

    public int Count { get; private set; }

    /// <summary>Leading blocks that the prefix index knows; <see cref="PrefixNode"/> is the last of them.</summary>
    public int IndexedCount { get; set; }

    /// <summary>Identity of the content up to and with block IndexedCount − 1; <see cref="Root"/> is the empty prefix.</summary>
    public long PrefixNode { get; set; }

    /// <summary>Identity of the empty prefix: 0, or a negative number of those whose keys are computed in another way:
    /// at another length, or with an adapter.</summary>
    public long Root { get; private set; }

    /// <summary>Leading blocks that were given back because nothing looks at them any more; the table holds 0 in their place.</summary>
    public int ReleasedCount { get; private set; }

    public ReadOnlySpan<int> Blocks => _blocks.AsSpan(0, Count);

    /// <summary>The blocks that were not given back.</summary>
    public ReadOnlySpan<int> Held => _blocks.AsSpan(ReleasedCount, Count - ReleasedCount);

    public void Add(int block)
    {
        if (Count == _blocks.Length)
            Array.Resize(ref _blocks, Math.Max(8, Count * 2));
        _blocks[Count++] = block;
    }

    /// <summary>Takes the last block off.</summary>
    public int RemoveLast()
    {
        var block = _blocks[--Count];
        ReleasedCount = Math.Min(ReleasedCount, Count);
        return block;
    }

    /// <summary>Takes the first block off that was not given back; its place stays.</summary>
    public int RemoveFirst()
    {
        var block = _blocks[ReleasedCount];
        _blocks[ReleasedCount++] = 0;
        return block;
    }

    /// <summary>Sets what the content begins from; for a table without blocks.</summary>
    public void SetRoot(long root)
    {
        Root = root;
        Reset();
    }

    /// <summary>Forgets what the index knows; for a table without blocks.</summary>
    public void Reset()
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(Count, 0);
        IndexedCount = 0;
        PrefixNode = Root;
    }
}
