using System.Numerics;

namespace Parley.Tokenizer.Encoders;

/// <summary>The symbols of one piece and the room that merging them needs; grows, is reused, belongs to one thread.</summary>
internal sealed class SymbolBuffer
{
    private int[] _ids = new int[64];

    public int Count { get; private set; }

    public Span<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>How many symbols there is room for: the measure of its memory.</summary>
    public int Capacity => Math.Max(_ids.Length, Math.Max(Next.Length, Queue.Capacity / 2));

    /// <summary>Position before and after each symbol, for long pieces.</summary>
    public int[] Previous { get; private set; } = [];

    public int[] Next { get; private set; } = [];

    /// <summary>The rank of the pair that starts at each symbol.</summary>
    public int[] Ranks { get; private set; } = [];

    /// <summary>Symbols that one pass has merged: at most every second one.</summary>
    public int[] Merged { get; private set; } = [];

    /// <summary>Pairs waiting to be merged.</summary>
    public RankQueue Queue { get; } = new();

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
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Count);
        (Previous, Next, Ranks, Merged) = (new int[size], new int[size], new int[size], new int[(size / 2) + 1]);
    }
}
