using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>
/// A · row for all rows with an adapter, each adapter's A read once. A product is summed in sixteen lanes from the first input to the
/// last, and the lanes in one order, whatever stands beside it and whatever the processor has.
/// </summary>
internal static unsafe class AdapterDown
{
    /// <summary>Ranks of a unit.</summary>
    public const int UnitRanks = 4;

    private const int Lanes = 16;

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
        LanePair a = default, b = default, c = default, d = default;
        for (var i = 0; i < inputs; i += Lanes)
        {
            LanePair x = LanePair.Load(row + i), y = LanePair.Load(next + i);
            var numbers = LanePair.Load<TElement>(down, start + i);
            (a, c) = (a.Add(numbers, x), c.Add(numbers, y));
            numbers = LanePair.Load<TElement>(down, start + inputs + i);
            (b, d) = (b.Add(numbers, x), d.Add(numbers, y));
        }

        (products[0], products[1], nextProducts[0], nextProducts[1]) = (a.Sum(), b.Sum(), c.Sum(), d.Sum());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourRanks<TElement>(byte* down, long start, float* row, int inputs, float* products)
        where TElement : struct, IAdapterElement
    {
        LanePair a = default, b = default, c = default, d = default;
        for (var i = 0; i < inputs; i += Lanes)
        {
            var x = LanePair.Load(row + i);
            a = a.Add(LanePair.Load<TElement>(down, start + i), x);
            b = b.Add(LanePair.Load<TElement>(down, start + inputs + i), x);
            c = c.Add(LanePair.Load<TElement>(down, start + (2L * inputs) + i), x);
            d = d.Add(LanePair.Load<TElement>(down, start + (3L * inputs) + i), x);
        }

        (products[0], products[1], products[2], products[3]) = (a.Sum(), b.Sum(), c.Sum(), d.Sum());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float OneRank<TElement>(byte* down, long start, float* row, int inputs)
        where TElement : struct, IAdapterElement
    {
        LanePair a = default;
        for (var i = 0; i < inputs; i += Lanes)
            a = a.Add(LanePair.Load<TElement>(down, start + i), LanePair.Load(row + i));
        return a.Sum();
    }
}
