using System.Numerics;

namespace Parley.Generator.Sampling;

/// <summary>The n best of many values: a heap of n, so one pass with few moves instead of a sort.</summary>
internal static class TopSelector
{
    /// <summary>Finds the n-th best value.</summary>
    /// <param name="values">Any values without NaN; at least n.</param>
    /// <param name="heap">Scratch [n].</param>
    public static float NthBest(ReadOnlySpan<float> values, Span<float> heap)
    {
        var count = heap.Length;
        values[..count].CopyTo(heap);
        for (var root = (count / 2) - 1; root >= 0; root--)
            SiftDown(heap, root);
        Improve(heap, values[count..], heap[0]);
        return heap[0];
    }

    /// <summary>Lets more values into a heap of the n best.</summary>
    /// <param name="heap">The n best so far, the smallest on top.</param>
    /// <param name="values">More values without NaN.</param>
    /// <param name="least">Values below it need not be looked at.</param>
    public static void Improve(Span<float> heap, ReadOnlySpan<float> values, float least)
    {
        for (var i = IndexOfAtLeast(values, 0, Math.Max(least, heap[0])); i < values.Length;
            i = IndexOfAtLeast(values, i + 1, Math.Max(least, heap[0])))
        {
            if (values[i] == heap[0])
                continue;
            heap[0] = values[i];
            SiftDown(heap, 0);
        }
    }

    /// <summary>
    /// The first index from <paramref name="start"/> on whose value is at least the threshold, else the length. Nearly all of a
    /// vocabulary is below, so whole vectors are passed over: 128,256 values in some 15 µs where one by one takes 80.
    /// </summary>
    public static int IndexOfAtLeast(ReadOnlySpan<float> values, int start, float threshold)
    {
        var least = new Vector<float>(threshold);
        var i = start;
        while (i <= values.Length - Vector<float>.Count && !Vector.GreaterThanOrEqualAny(new Vector<float>(values[i..]), least))
            i += Vector<float>.Count;
        while (i < values.Length && !(values[i] >= threshold))
            i++;
        return i;
    }

    /// <summary>Lists the best values' indices, best first; among equals the lower index first.</summary>
    /// <param name="values">Any values without NaN.</param>
    /// <param name="best">As many as wanted, at most as many as values; filled.</param>
    public static void Best(ReadOnlySpan<float> values, Span<int> best)
    {
        var count = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (count == best.Length && (count == 0 || values[i] <= values[best[count - 1]]))
                continue;
            var place = count < best.Length ? count++ : count - 1;
            for (; place > 0 && values[best[place - 1]] < values[i]; place--)
                best[place] = best[place - 1];
            best[place] = i;
        }
    }

    /// <summary>Restores the order of a heap whose smallest value is on top.</summary>
    private static void SiftDown(Span<float> heap, int root)
    {
        var value = heap[root];
        while (true)
        {
            var child = (2 * root) + 1;
            if (child >= heap.Length)
                break;
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
                child++;
            if (heap[child] >= value)
                break;
            heap[root] = heap[child];
            root = child;
        }

        heap[root] = value;
    }
}
