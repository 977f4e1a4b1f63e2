using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels;

/// <summary>What is done to each query and key head before it is used: norm and rotation, for one vector width.</summary>
internal static unsafe class HeadPreparation<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    /// <summary>Normalises and rotates a head.</summary>
    /// <param name="step">The call.</param>
    /// <param name="source">The head.</param>
    /// <param name="norm">Weights of its norm; null for none.</param>
    /// <param name="token">Its token among those of the step.</param>
    /// <param name="position">Where that stands in its sequence.</param>
    /// <param name="prepared">Takes the result; not the head itself.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prepare(PagedAttentionStep* step, float* source, float* norm, int token, int position, float* prepared)
    {
        var row = step->RotaryByToken ? token : position;
        if (norm is null)
        {
            RotaryEmbedding<TVector, TOps>.Rotate(step, source, row, prepared);
            return;
        }

        if (step->NormAfterRotary)
        {
            RotaryEmbedding<TVector, TOps>.Rotate(step, source, row, prepared);
            Normalize(prepared, norm, step->NormEpsilon, step->HeadSize, prepared);
            return;
        }

        var normalized = stackalloc float[PagedAttentionStep.HeadSizeMax];
        Normalize(source, norm, step->NormEpsilon, step->HeadSize, normalized);
        RotaryEmbedding<TVector, TOps>.Rotate(step, normalized, row, prepared);
    }

    /// <summary>
    /// x / √(mean of squares + ε) · weight, in sixteen lanes whatever the processor has, so the same bits.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalize(float* source, float* weight, float epsilon, int count, float* target)
    {
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < count; i += Vector512<float>.Count)
        {
            var values = Vector512.Load(source + i);
            squares = Vector512.FusedMultiplyAdd(values, values, squares);
        }

        var half = squares.GetLower() + squares.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        var mean = (quarter[0] + quarter[2] + (quarter[1] + quarter[3])) / count;
        var factor = Vector512.Create(1 / MathF.Sqrt(mean + epsilon));
        for (var i = 0; i < count; i += Vector512<float>.Count)
            (Vector512.Load(source + i) * factor * Vector512.Load(weight + i)).Store(target + i);
    }
}
