using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>
/// A · row for all rows with an adapter, each adapter's A read once. A product is summed in sixteen lanes from the first input to the
/// last, and the lanes in one order, whatever stands beside it and whatever the processor has.
/// </summary>
internal static unsafe class AdapterDown
{
    /// <summary>Ranks of a unit.</summary>
    public const int UnitRanks = 4;

    /// <summary>Below this number of multiply-adds other threads are not woken.</summary>
    private const long InlineMax = 128 * 1024;

    /// <summary>Fills the products.</summary>
    /// <param name="context">Context of the node; null is the calling thread alone.</param>
    /// <param name="step">Its arguments.</param>
    public static void Run(void* context, AdapterStep* step)
    {
        var parallel = context is not null && (long)step->PlaceCount * step->Stride * step->Inputs > InlineMax;
        ParallelLoop.Run(context, &RunUnit, step, step->GroupCount * UnitsOf(step), parallel);
    }

    /// <summary>Units of a group, those included for which a smaller adapter has no ranks.</summary>
    private static int UnitsOf(AdapterStep* step) => (step->Stride + UnitRanks - 1) / UnitRanks;

    private static void RunUnit(void* argument, nint unit)
    {
        var step = (AdapterStep*)argument;
        var units = UnitsOf(step);
        var group = step->Groups + (unit / units);
        var matrices = group->Linears + step->Linear;
        var first = (int)(unit % units) * UnitRanks;
        var ranks = Math.Min(UnitRanks, matrices->Rank - first);
        if (ranks <= 0)
            return;
        if (matrices->IsNarrow)
            RunUnit<NarrowElement>(step, group, matrices->Down, first, ranks);
        else
            RunUnit<WideElement>(step, group, matrices->Down, first, ranks);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunUnit<TElement>(AdapterStep* step, AdapterGroup* group, byte* down, int first, int ranks)
        where TElement : struct, IAdapterElement
    {
        var inputs = step->Inputs;
        var start = (long)first * inputs;
        var stride = step->Stride;
        for (int place = group->First, end = place + group->Count; place < end; place++)
        {
            var row = step->RowAt(place);
            var products = step->Products + ((long)place * stride) + first;
            if (ranks < UnitRanks)
            {
                for (var rank = 0; rank < ranks; rank++)
                    products[rank] = OneRank<TElement>(down, start + ((long)rank * inputs), row, inputs);
            }
            else if (place + 1 < end)
            {
                var next = step->RowAt(++place);
                TwoRanks<TElement>(down, start, row, next, inputs, products, products + stride);
                TwoRanks<TElement>(down, start + (2L * inputs), row, next, inputs, products + 2, products + stride + 2);
            }
            else
                FourRanks<TElement>(down, start, row, inputs, products);
        }
    }

    /// <summary>Two ranks with two rows: each number of A is widened once for both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoRanks<TElement>(
        byte* down, long start, float* row, float* next, int inputs, float* products, float* nextProducts)
        where TElement : struct, IAdapterElement
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (var i = 0; i < inputs; i += Vector512<float>.Count)
        {
            Vector512<float> first = TElement.Load(down, start + i), second = TElement.Load(down, start + inputs + i);
            Vector512<float> x = Vector512.Load(row + i), y = Vector512.Load(next + i);
            a = Vector512.FusedMultiplyAdd(first, x, a);
            b = Vector512.FusedMultiplyAdd(second, x, b);
            c = Vector512.FusedMultiplyAdd(first, y, c);
            d = Vector512.FusedMultiplyAdd(second, y, d);
        }

        (products[0], products[1], nextProducts[0], nextProducts[1]) = (Sum(a), Sum(b), Sum(c), Sum(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourRanks<TElement>(byte* down, long start, float* row, int inputs, float* products)
        where TElement : struct, IAdapterElement
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (var i = 0; i < inputs; i += Vector512<float>.Count)
        {
            var x = Vector512.Load(row + i);
            a = Vector512.FusedMultiplyAdd(TElement.Load(down, start + i), x, a);
            b = Vector512.FusedMultiplyAdd(TElement.Load(down, start + inputs + i), x, b);
            c = Vector512.FusedMultiplyAdd(TElement.Load(down, start + (2L * inputs) + i), x, c);
            d = Vector512.FusedMultiplyAdd(TElement.Load(down, start + (3L * inputs) + i), x, d);
        }

        (products[0], products[1], products[2], products[3]) = (Sum(a), Sum(b), Sum(c), Sum(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float OneRank<TElement>(byte* down, long start, float* row, int inputs)
        where TElement : struct, IAdapterElement
    {
        Vector512<float> a = default;
        for (var i = 0; i < inputs; i += Vector512<float>.Count)
            a = Vector512.FusedMultiplyAdd(TElement.Load(down, start + i), Vector512.Load(row + i), a);
        return Sum(a);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum(Vector512<float> lanes)
    {
        var half = lanes.GetLower() + lanes.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        return quarter[0] + quarter[2] + (quarter[1] + quarter[3]);
    }
}
