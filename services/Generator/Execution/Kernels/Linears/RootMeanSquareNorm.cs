using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// The norm in front of a linear, a row at a time: x / √(mean of squares + ε) · weight. The same operations in the same order in every
/// vector width, so the same bits.
/// </summary>
internal static unsafe class RootMeanSquareNorm
{
    /// <summary>Values of a turn of <see cref="Measure"/>; rows are a multiple of it.</summary>
    private const int TurnValues = 32;

    /// <summary>Adds an update to a row of the residual stream, and says what to multiply the sum with.</summary>
    /// <param name="residual">The row.</param>
    /// <param name="update">What is added; null for nothing.</param>
    /// <param name="sum">Takes the sum, where there is an update; may be either of the two.</param>
    /// <param name="count">Their length, a multiple of 32.</param>
    /// <param name="epsilon">Added to the mean of squares.</param>
    /// <returns>1 / √(mean of squares + ε); NaN where the squares are too large for floats, never a 0 that hides it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Measure(float* residual, float* update, float* sum, int count, float epsilon)
    {
        var first = Vector512<float>.Zero;
        var second = Vector512<float>.Zero;
        for (var i = 0; i < count; i += TurnValues)
        {
            var lower = Vector512.Load(residual + i);
            var upper = Vector512.Load(residual + i + Vector512<float>.Count);
            if (update is not null)
            {
                lower += Vector512.Load(update + i);
                upper += Vector512.Load(update + i + Vector512<float>.Count);
                lower.Store(sum + i);
                upper.Store(sum + i + Vector512<float>.Count);
            }

            first = Vector512.FusedMultiplyAdd(lower, lower, first);
            second = Vector512.FusedMultiplyAdd(upper, upper, second);
        }

        var all = first + second;
        var half = all.GetLower() + all.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        var mean = (quarter[0] + quarter[2] + (quarter[1] + quarter[3])) / count;
        return float.IsFinite(mean) ? 1 / MathF.Sqrt(mean + epsilon) : float.NaN;
    }

    /// <summary>Writes row · factor · weight.</summary>
    /// <param name="row">Part of a row.</param>
    /// <param name="weight">The norm's weights of this part.</param>
    /// <param name="factor">What <see cref="Measure"/> returned.</param>
    /// <param name="normalized">Takes the result.</param>
    /// <param name="count">Length of the part, a multiple of 32.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(float* row, float* weight, float factor, float* normalized, int count)
    {
        var factors = Vector512.Create(factor);
        for (var i = 0; i < count; i += Vector512<float>.Count)
            (Vector512.Load(row + i) * factors * Vector512.Load(weight + i)).Store(normalized + i);
    }
}
