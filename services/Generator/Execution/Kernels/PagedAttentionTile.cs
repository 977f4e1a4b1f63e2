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
    /// <summary>
    /// Positions per round of the online softmax: keys and values of 64 positions and 64 dimensions fit the first-level cache.
    /// </summary>
    private const int KeyTile = 64;

    /// <summary>Rows whose accumulators fit the registers together with two vectors of keys.</summary>
    private const int RowGroup = 4;

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
        var blocks = step->BlockTable + ((long)sequence * step->BlockTableWidth);
        var keyCount = firstPosition + tokens;
        for (var start = 0; start < keyCount; start += KeyTile)
        {
            FindKeys(step, blocks, head, start, keyCount, keys);
            for (var g = 0; g < rowGroups; g++)
            {
                var row = g * RowGroup;
                var lastToken = Math.Min(row + RowGroup, rows) - 1;
                var visible = Math.Min(firstPosition + (lastToken / group) + 1 - start, KeyTile);
                if (visible <= 0)
                    continue;

                Score(queries + ((long)row * headSize), keys, step->BlockTokens, headSize, visible, scores);
                for (var r = 0; r < RowGroup; r++)
                {
                    var limit = Math.Min(firstPosition + (Math.Min(row + r, rows - 1) / group) + 1 - start, visible);
                    corrections[r] = Softmax(scores + (r * KeyTile), limit, visible, maxima + row + r, sums + row + r);
                }

                AddValues(step, blocks, head, start, visible, scores, corrections, accumulators + ((long)row * headSize));
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

    /// <summary>Scores [4, KeyTile] of four rows; only the visible ones mean anything.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(float* queries, float** keys, int blockTokens, int headSize, int visible, float* scores)
    {
        var width = TOps.Width;
        for (var i = 0; i * width < visible; i += 2)
        {
            var left = keys[i];
            var right = keys[i + 1];
            var query = queries;
            TVector a0 = TOps.Broadcast(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
            for (var d = 0; d < headSize; d++)
            {
                var k0 = TOps.Load(left);
                var k1 = TOps.Load(right);
                var q = TOps.Broadcast(query[0]);
                a0 = TOps.MultiplyAdd(q, k0, a0);
                a1 = TOps.MultiplyAdd(q, k1, a1);
                q = TOps.Broadcast(query[1]);
                b0 = TOps.MultiplyAdd(q, k0, b0);
                b1 = TOps.MultiplyAdd(q, k1, b1);
                q = TOps.Broadcast(query[2]);
                c0 = TOps.MultiplyAdd(q, k0, c0);
                c1 = TOps.MultiplyAdd(q, k1, c1);
                q = TOps.Broadcast(query[3]);
                d0 = TOps.MultiplyAdd(q, k0, d0);
                d1 = TOps.MultiplyAdd(q, k1, d1);
                left += blockTokens;
                right += blockTokens;
                query += RowGroup;
            }

            var destination = scores + (i * width);
            TOps.Store(destination, a0);
            TOps.Store(destination + width, a1);
            TOps.Store(destination + KeyTile, b0);
            TOps.Store(destination + KeyTile + width, b1);
            TOps.Store(destination + (2 * KeyTile), c0);
            TOps.Store(destination + (2 * KeyTile) + width, c1);
            TOps.Store(destination + (3 * KeyTile), d0);
            TOps.Store(destination + (3 * KeyTile) + width, d1);
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

    /// <summary>accumulators [4, head size] · correction + weights · values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues(
        PagedAttentionStep* step, int* blocks, int head, int start, int visible, float* weights, float* corrections, float* accumulators)
    {
        var width = TOps.Width;
        var headSize = step->HeadSize;
        var blockTokens = step->BlockTokens;
        var run = Math.Min(blockTokens, KeyTile);
        for (var d = 0; d < headSize; d += 2 * width)
        {
            // A head of 16, 48, … is odd in wide vectors: the last round then computes its one vector twice.
            var second = d + width < headSize ? width : 0;
            var a = accumulators + d;
            var b = a + headSize;
            var c = b + headSize;
            var e = c + headSize;
            var factor = TOps.Broadcast(corrections[0]);
            TVector a0 = TOps.Multiply(TOps.Load(a), factor), a1 = TOps.Multiply(TOps.Load(a + second), factor);
            factor = TOps.Broadcast(corrections[1]);
            TVector b0 = TOps.Multiply(TOps.Load(b), factor), b1 = TOps.Multiply(TOps.Load(b + second), factor);
            factor = TOps.Broadcast(corrections[2]);
            TVector c0 = TOps.Multiply(TOps.Load(c), factor), c1 = TOps.Multiply(TOps.Load(c + second), factor);
            factor = TOps.Broadcast(corrections[3]);
            TVector e0 = TOps.Multiply(TOps.Load(e), factor), e1 = TOps.Multiply(TOps.Load(e + second), factor);
            for (var j = 0; j < visible; j += run)
            {
                var position = start + j;
                var block = (((long)blocks[position / blockTokens] * step->KeyValueHeads) + head) * blockTokens;
                var value = step->ValueCache + ((block + (position % blockTokens)) * headSize) + d;
                var weight = weights + j;
                var end = weights + Math.Min(j + run, visible);
                for (; weight < end; weight++)
                {
                    var v0 = TOps.Load(value);
                    var v1 = TOps.Load(value + second);
                    var w = TOps.Broadcast(weight[0]);
                    a0 = TOps.MultiplyAdd(w, v0, a0);
                    a1 = TOps.MultiplyAdd(w, v1, a1);
                    w = TOps.Broadcast(weight[KeyTile]);
                    b0 = TOps.MultiplyAdd(w, v0, b0);
                    b1 = TOps.MultiplyAdd(w, v1, b1);
                    w = TOps.Broadcast(weight[2 * KeyTile]);
                    c0 = TOps.MultiplyAdd(w, v0, c0);
                    c1 = TOps.MultiplyAdd(w, v1, c1);
                    w = TOps.Broadcast(weight[3 * KeyTile]);
                    e0 = TOps.MultiplyAdd(w, v0, e0);
                    e1 = TOps.MultiplyAdd(w, v1, e1);
                    value += headSize;
                }
            }

            TOps.Store(a, a0);
            TOps.Store(a + second, a1);
            TOps.Store(b, b0);
            TOps.Store(b + second, b1);
            TOps.Store(c, c0);
            TOps.Store(c + second, c1);
            TOps.Store(e, e0);
            TOps.Store(e + second, e1);
        }
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
