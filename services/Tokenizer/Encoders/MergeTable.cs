using System.Runtime.CompilerServices;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Pair of token ids → rank and id of the token they merge into, in one open-addressing table: a look-up is one multiplication and
/// usually one cache line.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge: later than every real rank.</summary>
    public const int NoRank = int.MaxValue;

    private Entry[] _entries;
    private int _shift;

    public MergeTable(int capacity)
    {
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, capacity));
        _entries = new Entry[size];
        _shift = 64 - System.Numerics.BitOperations.Log2((uint)size);
    }

    public int Count { get; private set; }

    /// <summary>Adds a merge; of a pair listed twice the later rank holds, as in the reference.</summary>
    public void Add(int left, int right, int rank, int merged)
    {
        if (Count * 10 >= _entries.Length * 6)
            Grow();
        Insert(new Entry { Key = Key(left, right), Rank = rank, Merged = merged });
    }

    /// <summary>The rank of a pair, or <see cref="NoRank"/>.</summary>
    public int Find(int left, int right, out int merged)
    {
        var key = Key(left, right);
        var entries = _entries;
        var mask = entries.Length - 1;
        for (var slot = Slot(key); ; slot = (slot + 1) & mask)
        {
            ref readonly var entry = ref entries[slot];
            if (entry.Key == key)
            {
                merged = entry.Merged;
                return entry.Rank;
            }

            if (entry.Key == 0)
            {
                merged = -1;
                return NoRank;
            }
        }
    }

    /// <summary>Whether a test holds for any pair.</summary>
    public bool Any(Func<int, int, bool> test)
    {
        foreach (var entry in _entries)
        {
            if (entry.Key != 0 && test((int)(entry.Key >> 32) - 1, (int)(uint)entry.Key - 1))
                return true;
        }

        return false;
    }

    // One is added so that no pair has the key 0, which marks a free slot.
    private static ulong Key(int left, int right) => ((ulong)(uint)(left + 1) << 32) | (uint)(right + 1);

    private int Slot(ulong key) => (int)((key * 0x9E3779B97F4A7C15UL) >> _shift);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Insert(Entry entry)
    {
        var mask = _entries.Length - 1;
        var slot = Slot(entry.Key);
        while (_entries[slot].Key != 0 && _entries[slot].Key != entry.Key)
            slot = (slot + 1) & mask;
        if (_entries[slot].Key == 0)
            Count++;
        _entries[slot] = entry;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Grow()
    {
        var old = _entries;
        _entries = new Entry[old.Length * 2];
        _shift--;
        Count = 0;
        foreach (var entry in old)
        {
            if (entry.Key != 0)
                Insert(entry);
        }
    }

    private struct Entry
    {
        public ulong Key;
        public int Rank;
        public int Merged;
    }
}
