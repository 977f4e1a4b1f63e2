using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>Sums over the numbers of a vector in sixteen lanes whatever the processor has, so the same bits.</summary>
internal static unsafe class LaneSums
{
    /// <summary>The sum of products of two vectors.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <param name="count">Their length, a multiple of 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(float* left, float* right, int count)
    {
        var products = Vector512<float>.Zero;
        for (var i = 0; i < count; i += Vector512<float>.Count)
            products = Vector512.FusedMultiplyAdd(Vector512.Load(left + i), Vector512.Load(right + i), products);
        return Across(products);
    }

    /// <summary>Multiplies a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(float* source, float factor, float* target, int count)
    {
        var factors = Vector512.Create(factor);
        for (var i = 0; i < count; i += Vector512<float>.Count)
            (Vector512.Load(source + i) * factors).Store(target + i);
    }

    /// <summary>The sum of the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Across(Vector512<float> value)
    {
        var half = value.GetLower() + value.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        return quarter[0] + quarter[2] + (quarter[1] + quarter[3]);
    }
}
