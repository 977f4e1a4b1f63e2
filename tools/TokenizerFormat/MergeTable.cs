using System.Runtime.CompilerServices;

namespace Parley.TokenizerFormat;

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
    private ulong[] _undercut = [];

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

    /// <summary>
    /// Whether a token that this rank makes is part of a pair of a lower rank. It happens in vocabularies whose merges were listed from
    /// their tokens (Llama's): ▁t + he makes ▁the before h + e makes he.
    /// </summary>
    public bool IsUndercut(int rank) => (_undercut[rank >> 6] >> rank & 1) != 0;

    /// <summary>Says that no more merges follow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Complete()
    {
        var (idMax, rankMax) = (0, 0);
        foreach (var entry in _entries)
        {
            if (entry.Key == 0)
                continue;
            idMax = Math.Max(idMax, Math.Max(entry.Merged, Math.Max(Left(entry), Right(entry))));
            rankMax = Math.Max(rankMax, entry.Rank);
        }

        var firstUse = new int[idMax + 1];
        Array.Fill(firstUse, NoRank);
        foreach (var entry in _entries)
        {
            if (entry.Key == 0)
                continue;
            firstUse[Left(entry)] = Math.Min(firstUse[Left(entry)], entry.Rank);
            firstUse[Right(entry)] = Math.Min(firstUse[Right(entry)], entry.Rank);
        }

        _undercut = new ulong[(rankMax >> 6) + 1];
        foreach (var entry in _entries)
        {
            if (entry.Key != 0 && firstUse[entry.Merged] <= entry.Rank)
                _undercut[entry.Rank >> 6] |= 1UL << entry.Rank;
        }
    }

    /// <summary>Whether a test holds for any pair.</summary>
    public bool Any(Func<int, int, bool> test)
    {
        foreach (var entry in _entries)
        {
            if (entry.Key != 0 && test(Left(entry), Right(entry)))
                return true;
        }

        return false;
    }

    // One is added so that no pair has the key 0, which marks a free slot.
    private static ulong Key(int left, int right) => ((ulong)(uint)(left + 1) << 32) | (uint)(right + 1);

    private static int Left(in Entry entry) => (int)(entry.Key >> 32) - 1;

    private static int Right(in Entry entry) => (int)(uint)entry.Key - 1;

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
