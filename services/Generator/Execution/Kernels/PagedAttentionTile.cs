using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>The inner work of paged attention for one vector width.</summary>
/// <remarks>
/// Every sum runs in an order that depends on absolute positions only: scores over the head's dimensions, values over positions,
/// softmax in key tiles that begin at multiples of <see cref="KeyTile"/>. So a row's result is the same bits alone or in a batch,
/// as a decode row or within a prompt chunk.
/// </remarks>
internal static unsafe class PagedAttentionTile<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;
    private const int RowGroup = PagedAttentionKernel.RowGroup;

    private const float Log2E = 1.44269504088896341f;

    /// <summary>Attends for the query heads that share one key/value head, over some tokens of one sequence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend(PagedAttentionStep* step, nint unit)
    {
        var sequence = FindSequence(step, (int)unit);
        var rest = (int)unit - step->UnitStarts[sequence];
        var head = rest % step->KeyValueHeads;
        var group = step->GroupSize;
        var tokensPerTile = PagedAttentionKernel.TokensPerTile(group);
        var firstToken = rest / step->KeyValueHeads * tokensPerTile;
        var newTokens = step->CumulativeLengths[sequence + 1] - step->CumulativeLengths[sequence];
        var tokens = Math.Min(tokensPerTile, newTokens - firstToken);
        var firstPosition = step->PastLengths[sequence] + firstToken;
        var firstRow = step->CumulativeLengths[sequence] + firstToken;
        var rows = tokens * group;
        var rowGroups = (rows + RowGroup - 1) / RowGroup;
        var headSize = step->HeadSize;

        // Scratch: queries | accumulators | scores of a row group | maximum and sum per row | correction | one rotated row.
        var padded = rowGroups * RowGroup;
        var queries = AttentionScratch.Tile((2 * padded * headSize) + (RowGroup * KeyTile) + (2 * padded) + RowGroup + headSize);
        var accumulators = queries + (padded * headSize);
        var scores = accumulators + (padded * headSize);
        var maxima = scores + (RowGroup * KeyTile);
        var sums = maxima + padded;
        var corrections = sums + padded;
        PackQueries(step, firstRow, firstPosition, head, rows, queries, corrections + RowGroup);
        new Span<float>(accumulators, padded * headSize).Clear();
        new Span<float>(maxima, padded).Fill(float.NegativeInfinity);
        new Span<float>(sums, padded).Clear();

        var keys = stackalloc float*[KeyTile];
        var values = stackalloc float*[KeyTile / 16];
        var run = Math.Min(step->BlockTokens, KeyTile);
        var blocks = step->BlockTable + ((long)sequence * step->BlockTableWidth);
        var keyCount = firstPosition + tokens;
        for (var start = 0; start < keyCount; start += KeyTile)
        {
            FindKeys(step, blocks, head, start, keyCount, keys);
            FindValues(step, blocks, head, start, keyCount, values);
            for (var g = 0; g < rowGroups; g++)
            {
                var row = g * RowGroup;
                var lastToken = Math.Min(row + RowGroup, rows) - 1;
                var visible = Math.Min(firstPosition + (lastToken / group) + 1 - start, KeyTile);
                if (visible <= 0)
                    continue;

                AttentionScores<TVector, TOps>.Compute(
                    queries + ((long)row * headSize), keys, step->BlockTokens, headSize, visible, scores);
                for (var r = 0; r < RowGroup; r++)
                {
                    var limit = Math.Min(firstPosition + (Math.Min(row + r, rows - 1) / group) + 1 - start, visible);
                    corrections[r] = Softmax(scores + (r * KeyTile), limit, visible, maxima + row + r, sums + row + r);
                }

                AttentionValues<TVector, TOps>.Add(
                    scores, corrections, values, run, headSize, visible, accumulators + ((long)row * headSize));
            }
        }

        WriteOutput(step, firstRow, head, rows, accumulators, sums);
    }

    private static int FindSequence(PagedAttentionStep* step, int unit)
    {
        int low = 0, high = step->SequenceCount - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (step->UnitStarts[middle] <= unit)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    /// <summary>
    /// Queries of four rows side by side [row group, head size, 4], rotated and scaled; rows that pad the last group are 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackQueries(
        PagedAttentionStep* step, int firstRow, int firstPosition, int head, int rows, float* queries, float* rotated)
    {
        var group = step->GroupSize;
        var headSize = step->HeadSize;
        var scale = step->Scale * Log2E;
        var padded = (rows + RowGroup - 1) / RowGroup * RowGroup;
        for (var row = 0; row < padded; row++)
        {
            var packed = queries + ((row / RowGroup * RowGroup * headSize) + (row % RowGroup));
            if (row >= rows)
            {
                for (var d = 0; d < headSize; d++)
                    packed[d * RowGroup] = 0;
                continue;
            }

            var token = row / group;
            var query = step->Qkv + ((long)(firstRow + token) * step->QkvWidth) + (((head * group) + (row % group)) * headSize);
            RotaryEmbedding<TVector, TOps>.Rotate(step, query, firstPosition + token, rotated);
            for (var d = 0; d < headSize; d++)
                packed[d * RowGroup] = rotated[d] * scale;
        }
    }

    /// <summary>
    /// Pointers to the keys of each vector of positions in a tile; those beyond the last key repeat it, their scores go unused.
    /// </summary>
    private static void FindKeys(PagedAttentionStep* step, int* blocks, int head, int start, int keyCount, float** keys)
    {
        var blockTokens = step->BlockTokens;
        var blockFloats = (long)step->HeadSize * blockTokens;
        for (var i = 0; i < KeyTile / TOps.Width; i++)
        {
            var position = start + (i * TOps.Width);
            if (position >= keyCount)
            {
                keys[i] = keys[i - 1];
                continue;
            }

            var block = ((long)blocks[position / blockTokens] * step->KeyValueHeads) + head;
            keys[i] = step->KeyCache + (block * blockFloats) + (position % blockTokens);
        }
    }

    /// <summary>Pointers to the values of each run of positions that lie in one block.</summary>
    private static void FindValues(PagedAttentionStep* step, int* blocks, int head, int start, int keyCount, float** values)
    {
        var blockTokens = step->BlockTokens;
        var run = Math.Min(blockTokens, KeyTile);
        var end = Math.Min(start + KeyTile, keyCount);
        for (var position = start; position < end; position += run)
        {
            var block = ((long)blocks[position / blockTokens] * step->KeyValueHeads) + head;
            *values++ = step->ValueCache + (((block * blockTokens) + (position % blockTokens)) * step->HeadSize);
        }
    }

    /// <summary>Turns scores (to the base 2) into weights relative to the running maximum.</summary>
    /// <returns>The factor on what was summed before.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Softmax(float* scores, int limit, int visible, float* maximum, float* sum)
    {
        var width = TOps.Width;
        var best = TOps.Broadcast(*maximum);
        for (var i = 0; i < visible; i += width)
        {
            var masked = TOps.KeepFirst(TOps.Load(scores + i), limit - i);
            TOps.Store(scores + i, masked);
            best = TOps.Max(best, masked);
        }

        var newMaximum = TOps.MaxAcross(best);
        var shift = TOps.Broadcast(newMaximum);
        var correction = TOps.MaxAcross(Exp2(TOps.Subtract(TOps.Broadcast(*maximum), shift)));
        var total = TOps.Broadcast(0);
        for (var i = 0; i < visible; i += width)
        {
            var weight = Exp2(TOps.Subtract(TOps.Load(scores + i), shift));
            TOps.Store(scores + i, weight);
            total = TOps.Add(total, weight);
        }

        *maximum = newMaximum;
        *sum = (*sum * correction) + TOps.SumAcross(total);
        return correction;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteOutput(PagedAttentionStep* step, int firstRow, int head, int rows, float* accumulators, float* sums)
    {
        var group = step->GroupSize;
        var headSize = step->HeadSize;
        for (var row = 0; row < rows; row++)
        {
            var source = accumulators + ((long)row * headSize);
            var token = firstRow + (row / group);
            var output = step->Output + ((((long)token * step->QueryHeads) + (head * group) + (row % group)) * headSize);
            var factor = TOps.Broadcast(1 / sums[row]);
            for (var d = 0; d < headSize; d += TOps.Width)
                TOps.Store(output + d, TOps.Multiply(TOps.Load(source + d), factor));
        }
    }

    /// <summary>2 to the power of x ≤ 0, to 2e-7: a polynomial on [−½, ½] times a power of two; 0 below normal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Exp2(TVector x)
    {
        var whole = TOps.Round(x);
        var f = TOps.Subtract(x, whole);
        var p = TOps.Broadcast(1.535336188319500e-4f);
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(1.339887440266574e-3f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(9.618437357674640e-3f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(5.550332471162809e-2f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(2.402264791363012e-1f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(6.931472028550421e-1f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(1));
        return TOps.ZeroWhereBelow(x, -126, TOps.Multiply(p, TOps.PowerOfTwo(whole)));
    }
}
