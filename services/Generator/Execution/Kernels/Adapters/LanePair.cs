using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>
/// Sixteen sums. In halves, because sixteen at once are kept in memory where the processor has no registers of that width, and the bits are
/// the same.
/// </summary>
/// <param name="Lower">The first eight.</param>
/// <param name="Upper">The last eight.</param>
internal readonly record struct LanePair(Vector256<float> Lower, Vector256<float> Upper)
{
    /// <summary>These and the products of sixteen numbers with one factor, or with sixteen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LanePair Add(LanePair numbers, LanePair factors) => new(
        Vector256.FusedMultiplyAdd(numbers.Lower, factors.Lower, Lower), Vector256.FusedMultiplyAdd(numbers.Upper, factors.Upper, Upper));

    /// <summary>Sixteen numbers of an adapter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe LanePair Load<TElement>(byte* numbers, long index)
        where TElement : struct, IAdapterElement =>
        new(TElement.Load(numbers, index), TElement.Load(numbers, index + Vector256<float>.Count));

    /// <summary>Sixteen floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe LanePair Load(float* numbers) => new(Vector256.Load(numbers), Vector256.Load(numbers + Vector256<float>.Count));

    /// <summary>One factor sixteen times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePair Broadcast(float factor) => new(Vector256.Create(factor), Vector256.Create(factor));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePair operator +(LanePair left, LanePair right) => new(left.Lower + right.Lower, left.Upper + right.Upper);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Store(float* target)
    {
        Lower.Store(target);
        Upper.Store(target + Vector256<float>.Count);
    }

    /// <summary>All of them, in one order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum()
    {
        var half = Lower + Upper;
        var quarter = half.GetLower() + half.GetUpper();
        return quarter[0] + quarter[2] + (quarter[1] + quarter[3]);
    }
}
