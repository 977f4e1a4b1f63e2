using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>What the rows of a unit have gathered over some positions: weighted values, the largest score, the weights' sum.</summary>
/// <param name="start">Memory of <see cref="PagedAttentionKernel.StateFloats"/>.</param>
/// <param name="rows">Rows, in whole groups.</param>
/// <param name="headSize">Dimensions of a head.</param>
internal readonly unsafe struct AttentionState(float* start, int rows, int headSize)
{
    /// <summary>Sums of weighted values [rows, head size].</summary>
    public float* Accumulators => start;

    /// <summary>The largest score [rows].</summary>
    public float* Maxima => start + (rows * headSize);

    /// <summary>Sum of weights relative to it [rows].</summary>
    public float* Sums => start + (rows * (headSize + 1));

    /// <summary>Nothing gathered.</summary>
    public void Clear()
    {
        new Span<float>(start, rows * headSize).Clear();
        new Span<float>(Maxima, rows).Fill(PagedAttentionKernel.NoMaximum);
        new Span<float>(Sums, rows).Clear();
    }

    /// <summary>Adds what was gathered over the next positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Merge<TVector, TOps>(AttentionState next)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        var source = next.Accumulators;
        var target = start;
        for (var row = 0; row < rows; row++)
        {
            var maximum = MathF.Max(Maxima[row], next.Maxima[row]);
            var mine = VectorMath<float, ScalarOps>.Exp2(Maxima[row] - maximum);
            var others = VectorMath<float, ScalarOps>.Exp2(next.Maxima[row] - maximum);
            Maxima[row] = maximum;
            Sums[row] = (Sums[row] * mine) + (next.Sums[row] * others);
            TVector left = TOps.Broadcast(mine), right = TOps.Broadcast(others);
            for (var end = target + headSize; target < end; target += TOps.Width, source += TOps.Width)
                TOps.Store(target, TOps.MultiplyAdd(TOps.Load(target), left, TOps.Multiply(TOps.Load(source), right)));
        }
    }
}
