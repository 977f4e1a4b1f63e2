using System.Runtime.CompilerServices;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Step 4, the merging itself: of all neighbouring pairs the one of lowest rank becomes one token, leftmost first, until none is left.
/// Short pieces are scanned; long ones go through a queue, so that no input is worse than n log n.
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
            RankMerger.Merge(symbols, merges);
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
}
