using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>B · (A · row) of sixteen outputs, added to their sums before anything is done with those.</summary>
internal static unsafe class AdapterUp
{
    /// <summary>Adds what a row's adapter has for a block of outputs.</summary>
    /// <param name="step">Its products are there.</param>
    /// <param name="row">Row of the linear.</param>
    /// <param name="block">Block of sixteen outputs.</param>
    /// <param name="sums">Takes the sum [16].</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(AdapterStep* step, int row, int block, float* sums)
    {
        var matrices = step->MatricesOf(row, out var products);
        if (matrices is null)
            return;
        var ranks = matrices->Blocks[block];
        if (ranks.Count == 0)
            return;
        products += ranks.First;
        var added = matrices->IsNarrow ? Multiply<NarrowElement>(matrices->Up, ranks, products)
            : Multiply<WideElement>(matrices->Up, ranks, products);
        (Vector512.Load(sums) + added).Store(sums);
    }

    /// <summary>Every fourth rank in a sum of its own, which hides the latency; then the four in one order.</summary>
    private static Vector512<float> Multiply<TElement>(byte* up, AdapterBlock ranks, float* products)
        where TElement : struct, IAdapterElement
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        var index = ranks.Offset;
        var rank = 0;
        for (; rank + 4 <= ranks.Count; rank += 4, index += 4 * Vector512<float>.Count)
        {
            a = Vector512.FusedMultiplyAdd(TElement.Load(up, index), Vector512.Create(products[rank]), a);
            b = Vector512.FusedMultiplyAdd(TElement.Load(up, index + 16), Vector512.Create(products[rank + 1]), b);
            c = Vector512.FusedMultiplyAdd(TElement.Load(up, index + 32), Vector512.Create(products[rank + 2]), c);
            d = Vector512.FusedMultiplyAdd(TElement.Load(up, index + 48), Vector512.Create(products[rank + 3]), d);
        }

        for (; rank < ranks.Count; rank++, index += Vector512<float>.Count)
            a = Vector512.FusedMultiplyAdd(TElement.Load(up, index), Vector512.Create(products[rank]), a);
        return a + b + (c + d);
    }
}
