namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Positions of pairs that wait to be merged, lowest rank first: a heap of the ranks that occur and, behind each, the list of its
/// positions from left to right. What comes out of that order goes through a second heap. Texts have few ranks and add their positions
/// nearly in order, so that most of what is done here costs the same however long the text is.
/// </summary>
internal sealed class RankQueue
{
    private const int None = -1;
    private const int BucketsMin = 64;

    // Open addressing; a rank is stored plus one, so that 0 is a free bucket.
    private Bucket[] _buckets = new Bucket[BucketsMin];
    private int _mask = BucketsMin - 1;
    private int _bucketCount;
    private int _lastBucket;

    // The ranks whose lists are not empty.
    private readonly MinimumHeap _ranks = new();

    // Rank × 2³² + position of what was added to the left of its list's end.
    private readonly MinimumHeap _strays = new();

    private Entry[] _entries = new Entry[256];
    private int _entryCount;
    private int _free = None;

    /// <summary>How many entries there is room for: the measure of its memory.</summary>
    public int Capacity => Math.Max(_entries.Length, _strays.Capacity);

    /// <summary>Forgets everything; the room stays.</summary>
    public void Clear()
    {
        _mask = BucketsMin - 1;
        Array.Clear(_buckets, 0, BucketsMin);
        _ranks.Clear();
        _strays.Clear();
        (_bucketCount, _lastBucket, _entryCount, _free) = (0, 0, 0, None);
    }

    /// <summary>Adds a position.</summary>
    public void Add(int rank, int position)
    {
        if (_buckets[_lastBucket].Rank != rank + 1)
            _lastBucket = FindOrCreate(rank);
        ref var bucket = ref _buckets[_lastBucket];
        if (bucket.Head == None)
        {
            _ranks.Push((ulong)rank);
            bucket.Head = bucket.Tail = NewEntry(position);
        }
        else if (position >= _entries[bucket.Tail].Position)
        {
            var index = NewEntry(position);
            _entries[bucket.Tail].Next = index;
            bucket.Tail = index;
        }
        else
        {
            _strays.Push(((ulong)rank << 32) | (uint)position);
        }
    }

    /// <summary>The lowest rank.</summary>
    public bool TryPeek(out int rank)
    {
        var lowest = Math.Min(_ranks.Lowest, _strays.Lowest >> 32);
        rank = (int)lowest;
        return lowest <= int.MaxValue;
    }

    /// <summary>Takes the leftmost position of a rank out, which must be the lowest.</summary>
    public bool TryTake(int rank, out int position)
    {
        position = None;
        if (_buckets[_lastBucket].Rank != rank + 1)
            _lastBucket = FindOrCreate(rank);
        ref var bucket = ref _buckets[_lastBucket];
        var listed = bucket.Head == None ? int.MaxValue : _entries[bucket.Head].Position;
        if ((int)(_strays.Lowest >> 32) == rank && (int)(uint)_strays.Lowest < listed)
        {
            position = (int)(uint)_strays.Lowest;
            _strays.Pop();
            return true;
        }

        if (bucket.Head == None)
            return false;
        position = listed;
        var head = bucket.Head;
        bucket.Head = _entries[head].Next;
        (_entries[head].Next, _free) = (_free, head);
        if (bucket.Head == None)
            _ranks.Pop();
        return true;
    }

    private int NewEntry(int position)
    {
        var index = _free;
        if (index != None)
        {
            _free = _entries[index].Next;
        }
        else
        {
            if (_entryCount == _entries.Length)
                Array.Resize(ref _entries, _entryCount * 2);
            index = _entryCount++;
        }

        _entries[index] = new Entry { Position = position, Next = None };
        return index;
    }

    private int FindOrCreate(int rank)
    {
        var slot = Slot(rank);
        if (_buckets[slot].Rank != 0)
            return slot;
        if (_bucketCount * 2 > _mask)
        {
            Grow();
            slot = Slot(rank);
        }

        _buckets[slot] = new Bucket { Rank = rank + 1, Head = None, Tail = None };
        _bucketCount++;
        return slot;
    }

    // The bucket of a rank, or the free one where it belongs.
    private int Slot(int rank)
    {
        var slot = (int)(((uint)rank * 0x9E3779B1u) >> 7) & _mask;
        while (_buckets[slot].Rank != 0 && _buckets[slot].Rank != rank + 1)
            slot = (slot + 1) & _mask;
        return slot;
    }

    private void Grow()
    {
        var old = _buckets.AsSpan(0, _mask + 1).ToArray();
        _mask = (2 * (_mask + 1)) - 1;
        if (_buckets.Length <= _mask)
            _buckets = new Bucket[_mask + 1];
        else
            Array.Clear(_buckets, 0, _mask + 1);
        foreach (var bucket in old)
        {
            if (bucket.Rank != 0)
                _buckets[Slot(bucket.Rank - 1)] = bucket;
        }
    }

    private struct Bucket
    {
        public int Rank;
        public int Head;
        public int Tail;
    }

    private struct Entry
    {
        public int Position;
        public int Next;
    }
}
