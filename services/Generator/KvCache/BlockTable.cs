namespace Parley.Generator.KvCache;

/// <summary>A sequence's blocks in order: position p is in block [p / BlockTokens] at row p % BlockTokens.</summary>
internal sealed class BlockTable
{
    private int[] _blocks = [];

    public int Count { get; private set; }

    /// <summary>Leading blocks that the prefix index knows; <see cref="PrefixNode"/> is the last of them.</summary>
    public int IndexedCount { get; set; }

    /// <summary>Identity of the content up to and with block IndexedCount − 1; 0 is the empty prefix.</summary>
    public long PrefixNode { get; set; }

    public ReadOnlySpan<int> Blocks => _blocks.AsSpan(0, Count);

    public void Add(int block)
    {
        if (Count == _blocks.Length)
            Array.Resize(ref _blocks, Math.Max(8, Count * 2));
        _blocks[Count++] = block;
    }

    /// <summary>Takes the last block off.</summary>
    public int RemoveLast() => _blocks[--Count];

    /// <summary>Forgets what the index knows; for a table without blocks.</summary>
    public void Reset()
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(Count, 0);
        IndexedCount = 0;
        PrefixNode = 0;
    }
}
