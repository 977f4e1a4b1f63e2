using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Weights · values of four rows and a tile of positions, for one vector width and kind of cache.</summary>
/// <remarks>Each sum is one chain of multiply-adds over positions, so the two shapes of the loop give the same bits.</remarks>
internal static unsafe class AttentionValues<TVector, TOps, TElement>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TElement : struct, ICacheElement
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;

    /// <summary>accumulators [4, head size] = accumulators · corrections + weights · values.</summary>
    /// <param name="weights">Weights [4, KeyTile]; 0 where a row does not attend; scales are applied.</param>
    /// <param name="corrections">A factor per row on what was summed before.</param>
    /// <param name="runs">Pointers to the values of each run of positions within one block.</param>
    /// <param name="nextRuns">The same of the tile that is read next, to fetch it meanwhile.</param>
    /// <param name="runTokens">Positions per run; a power of two.</param>
    /// <param name="headSize">Dimensions of a head.</param>
    /// <param name="first">The first position of the tile that some row attends to.</param>
    /// <param name="visible">The position behind the last; values beyond are not read, nor those before the first.</param>
    /// <param name="accumulators">Changed in place.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(
        float* weights,
        float* corrections,
        byte** runs,
        byte** nextRuns,
        int runTokens,
        int headSize,
        int first,
        int visible,
        float* accumulators)
    {
        var width = TOps.Width;
        var d = 0;
        if (width == 16)
        {
            for (; d + (4 * width) <= headSize; d += 4 * width)
                AddFour(weights, corrections, runs, nextRuns, runTokens, headSize, first, visible, accumulators, d);
        }

        for (; d < headSize; d += 2 * width)
            AddTwo(weights, corrections, runs, nextRuns, runTokens, headSize, first, visible, accumulators, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTwo(
        float* weights,
        float* corrections,
        byte** runs,
        byte** nextRuns,
        int runTokens,
        int headSize,
        int first,
        int visible,
        float* accumulators,
        int d)
    {
        // A head of 16, 48, … is odd in wide vectors: the last round then computes its one vector twice.
        var second = d + TOps.Width < headSize ? TOps.Width : 0;
        float* a = accumulators + d, b = a + headSize, c = b + headSize, e = c + headSize;
        TVector a0 = Scaled(a, corrections[0]), a1 = Scaled(a + second, corrections[0]);
        TVector b0 = Scaled(b, corrections[1]), b1 = Scaled(b + second, corrections[1]);
        TVector c0 = Scaled(c, corrections[2]), c1 = Scaled(c + second, corrections[2]);
        TVector e0 = Scaled(e, corrections[3]), e1 = Scaled(e + second, corrections[3]);
        var rowBytes = headSize * TElement.Bytes;
        for (int begin = first, end; begin < visible; begin = end)
        {
            end = Math.Min((begin & -runTokens) + runTokens, visible);
            var value = runs[begin / runTokens] + ((begin & (runTokens - 1)) * rowBytes) + (d * TElement.Bytes);
            var ahead = nextRuns[begin / runTokens] - runs[begin / runTokens];
            var last = weights + end;
            for (var weight = weights + begin; weight < last; weight++)
            {
                TVector v0 = Load(value), v1 = Load(value + (second * TElement.Bytes));
                Prefetch.Line(value + ahead);
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
                value += rowBytes;
            }
        }

        StorePair(a, second, a0, a1);
        StorePair(b, second, b0, b1);
        StorePair(c, second, c0, c1);
        StorePair(e, second, e0, e1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(
        float* weights,
        float* corrections,
        byte** runs,
        byte** nextRuns,
        int runTokens,
        int headSize,
        int first,
        int visible,
        float* accumulators,
        int d)
    {
        var width = TOps.Width;
        var half = 2 * width;
        var vectorBytes = width * TElement.Bytes;
        float* a = accumulators + d, b = a + headSize, c = b + headSize, e = c + headSize;
        TVector a0 = Scaled(a, corrections[0]), a1 = Scaled(a + width, corrections[0]);
        TVector a2 = Scaled(a + half, corrections[0]), a3 = Scaled(a + half + width, corrections[0]);
        TVector b0 = Scaled(b, corrections[1]), b1 = Scaled(b + width, corrections[1]);
        TVector b2 = Scaled(b + half, corrections[1]), b3 = Scaled(b + half + width, corrections[1]);
        TVector c0 = Scaled(c, corrections[2]), c1 = Scaled(c + width, corrections[2]);
        TVector c2 = Scaled(c + half, corrections[2]), c3 = Scaled(c + half + width, corrections[2]);
        TVector e0 = Scaled(e, corrections[3]), e1 = Scaled(e + width, corrections[3]);
        TVector e2 = Scaled(e + half, corrections[3]), e3 = Scaled(e + half + width, corrections[3]);
        var rowBytes = headSize * TElement.Bytes;
        for (int begin = first, end; begin < visible; begin = end)
        {
            end = Math.Min((begin & -runTokens) + runTokens, visible);
            var value = runs[begin / runTokens] + ((begin & (runTokens - 1)) * rowBytes) + (d * TElement.Bytes);
            var ahead = nextRuns[begin / runTokens] - runs[begin / runTokens];
            var last = weights + end;
            for (var weight = weights + begin; weight < last; weight++)
            {
                TVector v0 = Load(value), v1 = Load(value + vectorBytes);
                TVector v2 = Load(value + (2 * vectorBytes)), v3 = Load(value + (3 * vectorBytes));
                Prefetch.Line(value + ahead);
                if (TElement.Bytes > 1)
                    Prefetch.Line(value + ahead + 64);
                if (TElement.Bytes > 2)
                {
                    Prefetch.Line(value + ahead + 128);
                    Prefetch.Line(value + ahead + 192);
                }

                var w = TOps.Broadcast(weight[0]);
                a0 = TOps.MultiplyAdd(w, v0, a0);
                a1 = TOps.MultiplyAdd(w, v1, a1);
                a2 = TOps.MultiplyAdd(w, v2, a2);
                a3 = TOps.MultiplyAdd(w, v3, a3);
                w = TOps.Broadcast(weight[KeyTile]);
                b0 = TOps.MultiplyAdd(w, v0, b0);
                b1 = TOps.MultiplyAdd(w, v1, b1);
                b2 = TOps.MultiplyAdd(w, v2, b2);
                b3 = TOps.MultiplyAdd(w, v3, b3);
                w = TOps.Broadcast(weight[2 * KeyTile]);
                c0 = TOps.MultiplyAdd(w, v0, c0);
                c1 = TOps.MultiplyAdd(w, v1, c1);
                c2 = TOps.MultiplyAdd(w, v2, c2);
                c3 = TOps.MultiplyAdd(w, v3, c3);
                w = TOps.Broadcast(weight[3 * KeyTile]);
                e0 = TOps.MultiplyAdd(w, v0, e0);
                e1 = TOps.MultiplyAdd(w, v1, e1);
                e2 = TOps.MultiplyAdd(w, v2, e2);
                e3 = TOps.MultiplyAdd(w, v3, e3);
                value += rowBytes;
            }
        }

        StorePair(a, width, a0, a1);
        StorePair(a + half, width, a2, a3);
        StorePair(b, width, b0, b1);
        StorePair(b + half, width, b2, b3);
        StorePair(c, width, c0, c1);
        StorePair(c + half, width, c2, c3);
        StorePair(e, width, e0, e1);
        StorePair(e + half, width, e2, e3);
    }

    /// <summary>The same for the first row alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOne(
        float* weights,
        float* corrections,
        byte** runs,
        byte** nextRuns,
        int runTokens,
        int headSize,
        int first,
        int visible,
        float* accumulators)
    {
        var width = TOps.Width;
        var rowBytes = headSize * TElement.Bytes;
        for (var d = 0; d < headSize; d += 4 * width)
        {
            // Where fewer than four vectors are left, the last is computed several times.
            var last = headSize - d - width;
            int second = Math.Min(width, last), third = Math.Min(2 * width, last), fourth = Math.Min(3 * width, last);
            var a = accumulators + d;
            TVector a0 = Scaled(a, corrections[0]), a1 = Scaled(a + second, corrections[0]);
            TVector a2 = Scaled(a + third, corrections[0]), a3 = Scaled(a + fourth, corrections[0]);
            for (int begin = first, end; begin < visible; begin = end)
            {
                end = Math.Min((begin & -runTokens) + runTokens, visible);
                var value = runs[begin / runTokens] + ((begin & (runTokens - 1)) * rowBytes) + (d * TElement.Bytes);
                var ahead = nextRuns[begin / runTokens] - runs[begin / runTokens];
                for (var weight = weights + begin; weight < weights + end; weight++)
                {
                    var w = TOps.Broadcast(weight[0]);
                    a0 = TOps.MultiplyAdd(w, Load(value), a0);
                    a1 = TOps.MultiplyAdd(w, Load(value + (second * TElement.Bytes)), a1);
                    a2 = TOps.MultiplyAdd(w, Load(value + (third * TElement.Bytes)), a2);
                    a3 = TOps.MultiplyAdd(w, Load(value + (fourth * TElement.Bytes)), a3);
                    for (var line = 0; line < 4 * width * TElement.Bytes; line += 64)
                        Prefetch.Line(value + ahead + line);
                    value += rowBytes;
                }
            }

            StorePair(a, second, a0, a1);
            TOps.Store(a + third, a2);
            TOps.Store(a + fourth, a3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load(byte* source) => TElement.Load<TVector, TOps>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Scaled(float* source, float factor) => TOps.Multiply(TOps.Load(source), TOps.Broadcast(factor));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePair(float* destination, int second, TVector first, TVector next)
    {
        TOps.Store(destination, first);
        TOps.Store(destination + second, next);
    }
}
