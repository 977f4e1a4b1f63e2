using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels;

/// <summary>The online softmax of four rows over a tile of positions, for one vector width.</summary>
internal static unsafe class AttentionWeights<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;

    /// <summary>Applies scales, softcap and visibility to scores (to the base 2), and finds the running maxima of the rows.</summary>
    /// <param name="scores">Scores [4, KeyTile], changed in place.</param>
    /// <param name="view">What the rows see of the tile.</param>
    /// <param name="rows">Rows that count, 1 or 4.</param>
    /// <param name="keyScales">For each vector of positions its keys' scales; null without.</param>
    /// <param name="softcap">To the base 2; 0 is none.</param>
    /// <param name="maxima">Largest score so far [4], changed in place.</param>
    /// <param name="corrections">The factor on what each row has summed before [4].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FindMaxima(
        float* scores, AttentionView* view, int rows, float** keyScales, float softcap, float* maxima, float* corrections)
    {
        TVector a, b, c, d;
        if (view->IsFull && keyScales is null && softcap == 0)
        {
            a = LargestOf(scores);
            b = rows == 1 ? a : LargestOf(scores + KeyTile);
            c = rows == 1 ? a : LargestOf(scores + (2 * KeyTile));
            d = rows == 1 ? a : LargestOf(scores + (3 * KeyTile));
        }
        else
        {
            a = Prepare(scores, view, 0, keyScales, softcap);
            b = rows == 1 ? a : Prepare(scores + KeyTile, view, 1, keyScales, softcap);
            c = rows == 1 ? a : Prepare(scores + (2 * KeyTile), view, 2, keyScales, softcap);
            d = rows == 1 ? a : Prepare(scores + (3 * KeyTile), view, 3, keyScales, softcap);
        }

        var before = Vector128.Load(maxima);
        var now = Vector128.MaxNative(before, TOps.MaxAcross(a, b, c, d));
        VectorMath<Vector128<float>, Vector128Ops>.Exp2(before - now).Store(corrections);
        now.Store(maxima);
    }

    /// <summary>Turns scores into weights relative to the maxima, adds them to the sums, and applies the values' scales to them.</summary>
    /// <param name="scores">Scores [4, KeyTile], changed in place.</param>
    /// <param name="view">What the rows see of the tile.</param>
    /// <param name="rows">Rows that count, 1 or 4.</param>
    /// <param name="valueScales">For each vector of positions its values' scales; null without.</param>
    /// <param name="maxima">Largest scores [4].</param>
    /// <param name="corrections">Factors on the sums before [4].</param>
    /// <param name="sums">Sums by lane [4, width], changed in place.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weigh(
        float* scores, AttentionView* view, int rows, float** valueScales, float* maxima, float* corrections, float* sums)
    {
        var width = TOps.Width;
        var (begin, end) = (view->First / width * width, view->End);
        for (var row = 0; row < rows; row++, scores += KeyTile, sums += width)
        {
            var shift = TOps.Broadcast(maxima[row]);
            var total = TOps.Multiply(TOps.Load(sums), TOps.Broadcast(corrections[row]));
            for (var i = begin; i < end; i += width)
            {
                var weight = VectorMath<TVector, TOps>.Exp2(TOps.Subtract(TOps.Load(scores + i), shift));
                total = TOps.Add(total, weight);
                if (valueScales is not null)
                    weight = TOps.Multiply(weight, TOps.Load(valueScales[i / width]));
                TOps.Store(scores + i, weight);
            }

            TOps.Store(sums, total);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector LargestOf(float* scores)
    {
        var largest = TOps.Load(scores);
        for (var i = TOps.Width; i < KeyTile; i += TOps.Width)
            largest = TOps.Max(largest, TOps.Load(scores + i));
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static TVector Prepare(float* scores, AttentionView* view, int row, float** keyScales, float softcap)
    {
        var width = TOps.Width;
        var largest = TOps.Broadcast(PagedAttentionKernel.NoMaximum);
        var (first, end) = (view->RowFirst[row], view->RowEnd[row]);
        for (var i = view->First / width * width; i < view->End; i += width)
        {
            var score = TOps.Load(scores + i);
            if (keyScales is not null)
                score = TOps.Multiply(score, TOps.Load(keyScales[i / width]));
            if (softcap != 0)
            {
                var capped = VectorMath<TVector, TOps>.Tanh(TOps.Multiply(score, TOps.Broadcast(1 / softcap)));
                score = TOps.Multiply(capped, TOps.Broadcast(softcap));
            }

            score = TOps.Keep(score, first - i, end - i, PagedAttentionKernel.Unseen);
            TOps.Store(scores + i, score);
            largest = TOps.Max(largest, score);
        }

        return largest;
    }
}
