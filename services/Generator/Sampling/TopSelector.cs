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
        for (var i = count; i < values.Length; i++)
        {
            if (values[i] <= heap[0])
                continue;
            heap[0] = values[i];
            SiftDown(heap, 0);
        }

        return heap[0];
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
