using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>B · (A · row) of sixteen outputs, added to their sums before anything is done with those.</summary>
internal static unsafe class AdapterUp
{
    private const int LineBytes = 64;
    private const int Lanes = 16;

    /// <summary>
    /// Asks for what all adapters of the step have for two blocks, so that it is there when their sums are: a block is too short for the
    /// processor to guess its next one, with as many adapters side by side.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="first">A block.</param>
    /// <param name="second">Another; −1 for none.</param>
    public static void Prefetch(AdapterStep* step, int first, int second)
    {
        for (var group = 0; group < step->GroupCount; group++)
        {
            var matrices = step->Groups[group].Linears + step->Linear;
            if (matrices->Rank == 0)
                continue;
            Prefetch(matrices, first);
            if (second >= 0)
                Prefetch(matrices, second);
        }
    }

    /// <summary>Adds what a row's adapter has for a block of outputs.</summary>
    /// <param name="step">Its products are there.</param>
    /// <param name="place">Place of the row.</param>
    /// <param name="matrices">The row's adapter.</param>
    /// <param name="block">Block of sixteen outputs.</param>
    /// <param name="sums">Takes the sum [16].</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(AdapterStep* step, int place, AdapterMatrices* matrices, int block, float* sums)
    {
        var ranks = matrices->Blocks[block];
        if (ranks.Count == 0)
            return;
        var products = step->Products + ((long)place * step->Stride) + ranks.First;
        var added = matrices->IsNarrow ? Multiply<NarrowElement>(matrices->Up, ranks, products)
            : Multiply<WideElement>(matrices->Up, ranks, products);
        (LanePair.Load(sums) + added).Store(sums);
    }

    private static void Prefetch(AdapterMatrices* matrices, int block)
    {
        var ranks = matrices->Blocks[block];
        var start = matrices->Up + (ranks.Offset * matrices->ElementBytes);
        var bytes = ranks.Count * Lanes * matrices->ElementBytes;
        for (var line = 0; line < bytes; line += LineBytes)
            Kernels.Prefetch.Line(start + line);
    }

    /// <summary>Every fourth rank in a sum of its own, which hides the latency; then the four in one order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static LanePair Multiply<TElement>(byte* up, AdapterBlock ranks, float* products)
        where TElement : struct, IAdapterElement
    {
        LanePair a = default, b = default, c = default, d = default;
        var index = ranks.Offset;
        var rank = 0;
        for (; rank + 4 <= ranks.Count; rank += 4, index += 4 * Lanes)
        {
            a = a.Add(LanePair.Load<TElement>(up, index), LanePair.Broadcast(products[rank]));
            b = b.Add(LanePair.Load<TElement>(up, index + Lanes), LanePair.Broadcast(products[rank + 1]));
            c = c.Add(LanePair.Load<TElement>(up, index + (2 * Lanes)), LanePair.Broadcast(products[rank + 2]));
            d = d.Add(LanePair.Load<TElement>(up, index + (3 * Lanes)), LanePair.Broadcast(products[rank + 3]));
        }

        for (; rank < ranks.Count; rank++, index += Lanes)
            a = a.Add(LanePair.Load<TElement>(up, index), LanePair.Broadcast(products[rank]));
        return a + b + (c + d);
    }
}
