using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Query · key of four rows and a tile of positions, for one vector width and kind of cache.</summary>
/// <remarks>Each score is one chain of multiply-adds over the head's dimensions, so the two shapes of the loop give the same
/// bits.</remarks>
internal static unsafe class AttentionScores<TVector, TOps, TElement>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TElement : struct, ICacheElement
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;
    private const int RowGroup = PagedAttentionKernel.RowGroup;

    /// <summary>Fills scores [4, KeyTile]; only those of visible positions mean anything, and scales are not applied.</summary>
    /// <param name="queries">Packed queries [head size, 4].</param>
    /// <param name="keys">For each vector of positions its keys.</param>
    /// <param name="nextKeys">The same of the tile that is read next, to fetch it meanwhile.</param>
    /// <param name="stride">Bytes from one dimension's keys to the next one's.</param>
    /// <param name="headSize">Dimensions of a head.</param>
    /// <param name="first">The first position of the tile that some row attends to.</param>
    /// <param name="end">The position behind the last.</param>
    /// <param name="scores">The result.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compute(
        float* queries, byte** keys, byte** nextKeys, nint stride, int headSize, int first, int end, float* scores)
    {
        var width = TOps.Width;
        if (width == 16 && end > 2 * width)
        {
            ComputeFour(queries, keys, nextKeys, stride, headSize, scores);
            return;
        }

        for (var i = first / (2 * width) * 2; i * width < end; i += 2)
        {
            var left = keys[i];
            var right = keys[i + 1];
            var ahead = nextKeys[i] - left;
            var query = queries;
            TVector a0 = TOps.Broadcast(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
            for (var d = 0; d < headSize; d++)
            {
                TVector k0 = TElement.Load<TVector, TOps>(left), k1 = TElement.Load<TVector, TOps>(right);
                Prefetch.Line(left + ahead);
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
                left += stride;
                right += stride;
                query += RowGroup;
            }

            StorePair(scores + (i * width), a0, a1);
            StorePair(scores + KeyTile + (i * width), b0, b1);
            StorePair(scores + (2 * KeyTile) + (i * width), c0, c1);
            StorePair(scores + (3 * KeyTile) + (i * width), d0, d1);
        }
    }

    /// <summary>
    /// The whole tile at once: sixteen accumulators hide the latency of a multiply-add and halve the loads, with 32 registers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ComputeFour(float* queries, byte** keys, byte** nextKeys, nint stride, int headSize, float* scores)
    {
        byte* p0 = keys[0], p1 = keys[1], p2 = keys[2], p3 = keys[3];
        byte* n0 = nextKeys[0], n1 = nextKeys[1], n2 = nextKeys[2], n3 = nextKeys[3];
        TVector a0 = TOps.Broadcast(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        TVector c0 = a0, c1 = a0, c2 = a0, c3 = a0, d0 = a0, d1 = a0, d2 = a0, d3 = a0;
        for (nint offset = 0, end = headSize * stride; offset < end; offset += stride)
        {
            TVector k0 = TElement.Load<TVector, TOps>(p0 + offset), k1 = TElement.Load<TVector, TOps>(p1 + offset);
            TVector k2 = TElement.Load<TVector, TOps>(p2 + offset), k3 = TElement.Load<TVector, TOps>(p3 + offset);
            Prefetch.Line(n0 + offset);
            Prefetch.Line(n2 + offset);
            if (TElement.Bytes == sizeof(float))
            {
                Prefetch.Line(n1 + offset);
                Prefetch.Line(n3 + offset);
            }

            var q = TOps.Broadcast(queries[0]);
            a0 = TOps.MultiplyAdd(q, k0, a0);
            a1 = TOps.MultiplyAdd(q, k1, a1);
            a2 = TOps.MultiplyAdd(q, k2, a2);
            a3 = TOps.MultiplyAdd(q, k3, a3);
            q = TOps.Broadcast(queries[1]);
            b0 = TOps.MultiplyAdd(q, k0, b0);
            b1 = TOps.MultiplyAdd(q, k1, b1);
            b2 = TOps.MultiplyAdd(q, k2, b2);
            b3 = TOps.MultiplyAdd(q, k3, b3);
            q = TOps.Broadcast(queries[2]);
            c0 = TOps.MultiplyAdd(q, k0, c0);
            c1 = TOps.MultiplyAdd(q, k1, c1);
            c2 = TOps.MultiplyAdd(q, k2, c2);
            c3 = TOps.MultiplyAdd(q, k3, c3);
            q = TOps.Broadcast(queries[3]);
            d0 = TOps.MultiplyAdd(q, k0, d0);
            d1 = TOps.MultiplyAdd(q, k1, d1);
            d2 = TOps.MultiplyAdd(q, k2, d2);
            d3 = TOps.MultiplyAdd(q, k3, d3);
            queries += RowGroup;
        }

        var half = 2 * TOps.Width;
        StorePair(scores, a0, a1);
        StorePair(scores + half, a2, a3);
        StorePair(scores + KeyTile, b0, b1);
        StorePair(scores + KeyTile + half, b2, b3);
        StorePair(scores + (2 * KeyTile), c0, c1);
        StorePair(scores + (2 * KeyTile) + half, c2, c3);
        StorePair(scores + (3 * KeyTile), d0, d1);
        StorePair(scores + (3 * KeyTile) + half, d2, d3);
    }

    /// <summary>
    /// The same for the first row alone, the others left as they are: where each head has keys of its own, three of four rows are padding.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ComputeOne(
        float* queries, byte** keys, byte** nextKeys, nint stride, int headSize, int first, int end, float* scores)
    {
        var width = TOps.Width;
        for (var i = first / (4 * width) * 4; i * width < end; i += 4)
        {
            byte* p0 = keys[i], p1 = keys[i + 1], p2 = keys[i + 2], p3 = keys[i + 3];
            nint ahead0 = (nint)(nextKeys[i] - p0), ahead2 = (nint)(nextKeys[i + 2] - p2);
            TVector a0 = TOps.Broadcast(0), a1 = a0, a2 = a0, a3 = a0;
            for (var d = 0; d < headSize; d++)
            {
                var q = TOps.Broadcast(queries[d * RowGroup]);
                a0 = TOps.MultiplyAdd(q, TElement.Load<TVector, TOps>(p0), a0);
                a1 = TOps.MultiplyAdd(q, TElement.Load<TVector, TOps>(p1), a1);
                a2 = TOps.MultiplyAdd(q, TElement.Load<TVector, TOps>(p2), a2);
                a3 = TOps.MultiplyAdd(q, TElement.Load<TVector, TOps>(p3), a3);
                Prefetch.Line(p0 + ahead0);
                Prefetch.Line(p2 + ahead2);
                if (TElement.Bytes * width == 64)
                {
                    // Both vectors of a pair lie in one block, so they are as far ahead; each is a whole line here.
                    Prefetch.Line(p0 + ahead0 + 64);
                    Prefetch.Line(p2 + ahead2 + 64);
                }

                p0 += stride;
                p1 += stride;
                p2 += stride;
                p3 += stride;
            }

            StorePair(scores + (i * width), a0, a1);
            StorePair(scores + ((i + 2) * width), a2, a3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePair(float* destination, TVector first, TVector second)
    {
        TOps.Store(destination, first);
        TOps.Store(destination + TOps.Width, second);
    }
}
