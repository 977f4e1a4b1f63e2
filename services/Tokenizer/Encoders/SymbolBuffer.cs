namespace Parley.Tokenizer.Encoders;

/// <summary>The symbols of one piece and the room that merging them needs; grows, is reused, belongs to one thread.</summary>
internal sealed class SymbolBuffer
{
    private int[] _ids = new int[64];

    public int Count { get; private set; }

    public Span<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Position before and after each symbol, for long pieces.</summary>
    public int[] Previous { get; private set; } = [];

    public int[] Next { get; private set; } = [];

    /// <summary>The rank of the pair that starts at each symbol.</summary>
    public int[] Ranks { get; private set; } = [];

    /// <summary>Pairs waiting to be merged, as rank × 2³² + position: a heap whose order is rank, then leftmost.</summary>
    public ulong[] Heap { get; private set; } = [];

    public void Clear() => Count = 0;

    public void Add(int id)
    {
        if (Count == _ids.Length)
            Array.Resize(ref _ids, Count * 2);
        _ids[Count++] = id;
    }

    public void Truncate(int count) => Count = count;

    public void PrepareLinks()
    {
        if (Next.Length >= Count)
            return;
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Count);
        (Previous, Next, Ranks) = (new int[size], new int[size], new int[size]);
        // Each merge takes one pair away and adds at most two: three entries per symbol are never exceeded.
        Heap = new ulong[3 * size];
    }

    /// <summary>Gives memory back that an unusually long text has left.</summary>
    public void Trim(int symbolsMax)
    {
        if (_ids.Length > symbolsMax)
            _ids = new int[64];
        if (Next.Length > symbolsMax)
            (Previous, Next, Ranks, Heap) = ([], [], [], []);
        Count = 0;
    }
}
