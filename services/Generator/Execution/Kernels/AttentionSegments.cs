using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// Walks the segments of a unit and puts what they gave together, in their order: those of the unit alone, or of all units that share the
/// keys.
/// </summary>
internal static unsafe class AttentionSegments<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    private const int Segment = PagedAttentionKernel.SegmentTokens;

    /// <summary>Gathers all segments of a unit.</summary>
    /// <param name="plan">The step's.</param>
    /// <param name="unit">One of its units.</param>
    /// <param name="scratch">Memory of two states.</param>
    /// <param name="rows">Rows of the unit.</param>
    /// <param name="width">Numbers that a row gathers.</param>
    /// <param name="gather">Attends over the segment that begins at a position.</param>
    /// <param name="work">Its argument.</param>
    /// <param name="whole">What there is to be written.</param>
    /// <returns>False where another unit that shares the keys is not done: whoever ends last has the whole.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryGather(
        AttentionPlan* plan, AttentionUnit* unit, float* scratch, int rows, int width,
        delegate*<void*, int, AttentionState, void> gather, void* work, out AttentionState whole)
    {
        var padded = PagedAttentionKernel.PaddedRows(rows);
        var stateFloats = PagedAttentionKernel.StateFloats(rows, width);
        if (unit->Split < 0)
        {
            whole = new AttentionState(scratch, padded, width);
            var next = new AttentionState(scratch + stateFloats, padded, width);
            for (var start = unit->FirstKey; start < unit->EndKey; start += Segment)
            {
                gather(work, start, start == unit->FirstKey ? whole : next);
                if (start > unit->FirstKey)
                    whole.Merge<TVector, TOps>(next);
            }

            return true;
        }

        var split = plan->Splits + unit->Split;
        var partials = plan->Partials + split->Offset;
        for (var start = unit->FirstKey; start < unit->EndKey; start += Segment)
            gather(work, start, new AttentionState(partials + ((start - split->FirstKey) / Segment * stateFloats), padded, width));
        whole = new AttentionState(partials, padded, width);
        if (Interlocked.Decrement(ref split->Pending) > 0)
            return false;
        for (var segment = 1; segment < split->SegmentCount; segment++)
            whole.Merge<TVector, TOps>(new AttentionState(partials + (segment * (long)stateFloats), padded, width));
        return true;
    }
}
