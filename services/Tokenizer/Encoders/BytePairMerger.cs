using System.Runtime.CompilerServices;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Step 4, the merging itself: of all neighbouring pairs the one of lowest rank becomes one token, leftmost first, until none is left.
/// Short pieces are scanned; long ones go through a heap, so that no input is worse than n log n.
/// </summary>
internal static class BytePairMerger
{
    private const int ScannedSymbolsMax = 48;

    /// <summary>Merges in place; the buffer then holds the tokens of the piece.</summary>
    public static void Merge(SymbolBuffer symbols, MergeTable merges)
    {
        if (symbols.Count < 2)
            return;
        if (symbols.Count <= ScannedSymbolsMax)
            MergeByScan(symbols, merges);
        else
            MergeByHeap(symbols, merges);
    }

    [SkipLocalsInit]
    private static void MergeByScan(SymbolBuffer symbols, MergeTable merges)
    {
        var ids = symbols.Ids;
        Span<int> ranks = stackalloc int[ScannedSymbolsMax];
        Span<int> merged = stackalloc int[ScannedSymbolsMax];
        var count = ids.Length;
        for (var i = 0; i + 1 < count; i++)
            ranks[i] = merges.Find(ids[i], ids[i + 1], out merged[i]);
        while (count > 1)
        {
            var best = 0;
            for (var i = 1; i < count - 1; i++)
            {
                if (ranks[i] < ranks[best])
                    best = i;
            }

            if (ranks[best] == MergeTable.NoRank)
                break;
            ids[best] = merged[best];
            count--;
            // Close the gap: the symbols after the right half move, and with them the pairs they start.
            ids[(best + 2)..(count + 1)].CopyTo(ids[(best + 1)..]);
            if (best + 1 < count)
            {
                ranks[(best + 2)..count].CopyTo(ranks[(best + 1)..]);
                merged[(best + 2)..count].CopyTo(merged[(best + 1)..]);
                ranks[best] = merges.Find(ids[best], ids[best + 1], out merged[best]);
            }

            if (best > 0)
                ranks[best - 1] = merges.Find(ids[best - 1], ids[best], out merged[best - 1]);
        }

        symbols.Truncate(count);
    }

    private static void MergeByHeap(SymbolBuffer symbols, MergeTable merges)
    {
        symbols.PrepareLinks();
        var ids = symbols.Ids;
        var count = ids.Length;
        var (previous, next, ranks, heap) = (symbols.Previous, symbols.Next, symbols.Ranks, symbols.Heap);
        var waiting = 0;
        for (var i = 0; i < count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1 < count ? i + 1 : -1;
            ranks[i] = i + 1 < count ? merges.Find(ids[i], ids[i + 1], out _) : MergeTable.NoRank;
            if (ranks[i] != MergeTable.NoRank)
                heap[waiting++] = ((ulong)(uint)ranks[i] << 32) | (uint)i;
        }

        for (var i = (waiting >> 1) - 1; i >= 0; i--)
            SiftDown(heap, waiting, i);
        while (waiting > 0)
        {
            var top = heap[0];
            heap[0] = heap[--waiting];
            SiftDown(heap, waiting, 0);
            var left = (int)(uint)top;
            // An entry whose pair has changed since is stale.
            if (ranks[left] != (int)(top >> 32))
                continue;
            var right = next[left];
            merges.Find(ids[left], ids[right], out var merged);
            ids[left] = merged;
            ids[right] = -1;
            ranks[right] = MergeTable.NoRank;
            next[left] = next[right];
            if (next[left] >= 0)
                previous[next[left]] = left;
            Renew(left);
            if (previous[left] >= 0)
                Renew(previous[left]);
        }

        Compact(symbols, ids);

        void Renew(int at)
        {
            var after = next[at];
            ranks[at] = after < 0 ? MergeTable.NoRank : merges.Find(symbols.Ids[at], symbols.Ids[after], out _);
            if (ranks[at] != MergeTable.NoRank)
                Push(heap, ref waiting, ((ulong)(uint)ranks[at] << 32) | (uint)at);
        }
    }

    private static void Compact(SymbolBuffer symbols, Span<int> ids)
    {
        var kept = 0;
        foreach (var id in ids)
        {
            if (id >= 0)
                ids[kept++] = id;
        }

        symbols.Truncate(kept);
    }

    private static void Push(ulong[] heap, ref int count, ulong value)
    {
        var index = count++;
        while (index > 0)
        {
            var parent = (index - 1) >> 1;
            if (heap[parent] <= value)
                break;
            heap[index] = heap[parent];
            index = parent;
        }

        heap[index] = value;
    }

    private static void SiftDown(ulong[] heap, int count, int index)
    {
        if (index >= count)
            return;
        var value = heap[index];
        for (var child = (2 * index) + 1; child < count; child = (2 * index) + 1)
        {
            if (child + 1 < count && heap[child + 1] < heap[child])
                child++;
            if (value <= heap[child])
                break;
            heap[index] = heap[child];
            index = child;
        }

        heap[index] = value;
    }
}
