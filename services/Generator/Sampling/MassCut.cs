namespace Parley.Generator.Sampling;

/// <summary>
/// Where the running sum of probabilities, taken in ascending order of a key, passes a mark: what a sort and a cumulative sum answer,
/// without sorting the whole. Keys are thrown into buckets, the bucket in which the mark lies is searched again, and only what is
/// left then is sorted. Sums are in double and compared in float, as the reference does. Equal keys count in the order of the index.
/// </summary>
internal sealed class MassCut(int countMax)
{
    private const int BucketCount = 1024;
    private const int SortMax = 512;

    private readonly int[] _indices = new int[countMax];
    private readonly float[] _sortKeys = new float[countMax];
    private readonly int[] _bucketOf = new int[countMax];
    private readonly double[] _mass = new double[BucketCount];
    private readonly int[] _size = new int[BucketCount];

    /// <summary>Finds the first element, by (key, index) ascending, whose running sum is past the mark; if none, the last.</summary>
    /// <param name="keys">Finite keys [n].</param>
    /// <param name="probabilities">Mass of each [n].</param>
    /// <param name="mark">The sum to pass.</param>
    /// <param name="mayEqual">A sum equal to the mark has not passed it.</param>
    /// <returns>Index of the element.</returns>
    public int Find(ReadOnlySpan<float> keys, ReadOnlySpan<float> probabilities, float mark, bool mayEqual)
    {
        var count = keys.Length;
        for (var i = 0; i < count; i++)
            _indices[i] = i;
        var before = 0.0;
        while (count > SortMax)
        {
            var (narrowed, massBefore) = Narrow(keys, probabilities, count, before, mark, mayEqual);
            if (narrowed == count)
                break;
            (count, before) = (narrowed, massBefore);
        }

        return FindSorted(keys, probabilities, count, before, mark, mayEqual);
    }

    private int FindSorted(
        ReadOnlySpan<float> keys, ReadOnlySpan<float> probabilities, int count, double before, float mark, bool mayEqual)
    {
        for (var i = 0; i < count; i++)
            _sortKeys[i] = keys[_indices[i]];
        var indices = _indices.AsSpan(0, count);
        _sortKeys.AsSpan(0, count).Sort(indices);
        OrderEqualKeys(indices);
        foreach (var index in indices)
        {
            before += probabilities[index];
            if (IsPast(before, mark, mayEqual))
                return index;
        }

        return indices[^1];
    }

    /// <summary>Keeps of the first <paramref name="count"/> indices those in the bucket where the mark lies.</summary>
    private (int Count, double Before) Narrow(
        ReadOnlySpan<float> keys, ReadOnlySpan<float> probabilities, int count, double before, float mark, bool mayEqual)
    {
        var (low, high) = (float.PositiveInfinity, float.NegativeInfinity);
        for (var i = 0; i < count; i++)
        {
            var key = keys[_indices[i]];
            low = Math.Min(low, key);
            high = Math.Max(high, key);
        }

        if (low == high)
            return (count, before);
        Array.Clear(_mass);
        Array.Clear(_size);
        var scale = (BucketCount - 1) / ((double)high - low);
        for (var i = 0; i < count; i++)
        {
            var index = _indices[i];
            var bucket = (int)(((double)keys[index] - low) * scale);
            _bucketOf[i] = bucket;
            _mass[bucket] += probabilities[index];
            _size[bucket]++;
        }

        // When no bucket passes the mark, the answer is the last element: it is in the last bucket that holds any.
        var (found, foundBefore) = (0, before);
        for (var bucket = 0; bucket < BucketCount; bucket++)
        {
            if (_size[bucket] == 0)
                continue;
            (found, foundBefore) = (bucket, before);
            before += _mass[bucket];
            if (IsPast(before, mark, mayEqual))
                break;
        }

        var kept = 0;
        for (var i = 0; i < count; i++)
        {
            if (_bucketOf[i] == found)
                _indices[kept++] = _indices[i];
        }

        return (kept, foundBefore);
    }

    /// <summary>The sort is not stable; equal keys are put in the order of their index.</summary>
    private void OrderEqualKeys(Span<int> indices)
    {
        for (var start = 0; start < indices.Length;)
        {
            var end = start + 1;
            while (end < indices.Length && _sortKeys[end] == _sortKeys[start])
                end++;
            if (end - start > 1)
                indices[start..end].Sort();
            start = end;
        }
    }

    private static bool IsPast(double sum, float mark, bool mayEqual) => mayEqual ? (float)sum > mark : (float)sum >= mark;
}
