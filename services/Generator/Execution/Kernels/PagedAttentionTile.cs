using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>The inner work of paged attention for one vector width and kind of cache.</summary>
/// <remarks>
/// Every sum runs in an order that depends on absolute positions only: scores over the head's dimensions, values over positions,
/// softmax in key tiles and segments that begin at multiples of their sizes. So a row's result is the same bits alone or in a batch,
/// as a decode row or within a prompt chunk, by one thread or by several.
/// </remarks>
internal static unsafe class PagedAttentionTile<TVector, TOps, TElement>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TElement : struct, ICacheElement
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;
    private const int RowGroup = PagedAttentionKernel.RowGroup;
    private const int Segment = PagedAttentionKernel.SegmentTokens;

    private const float Log2E = 1.44269504088896341f;

    /// <summary>Body of an attention unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend(PagedAttentionStep* step, nint index)
    {
        var unit = step->Plan.Units + index;
        var firstPosition = step->PastLengths[unit->Sequence] + unit->FirstToken;
        if (unit->Writes)
            WriteOwn(step, unit, firstPosition);

        var rows = unit->TokenCount * step->GroupSize;
        var padded = PagedAttentionKernel.PaddedRows(rows);
        var headSize = step->HeadSize;
        var stateFloats = PagedAttentionKernel.StateFloats(rows, headSize);
        var widened = TElement.Bytes < sizeof(float) && padded > PagedAttentionKernel.NarrowRowsMax ? 2 * KeyTile * headSize : 0;
        var scratch = AttentionScratch.Tile(
            (padded * headSize) + (2 * stateFloats) + (padded * TOps.Width) + ((RowGroup + 1) * KeyTile) + widened);
        var work = new TileWork
        {
            Step = step,
            Unit = unit,
            FirstPosition = firstPosition,
            Rows = rows,
            Padded = padded,
            Queries = scratch,
            LaneSums = scratch + (padded * headSize) + (2 * stateFloats),
        };
        work.Scores = work.LaneSums + (padded * TOps.Width);
        work.Corrections = work.Scores + (RowGroup * KeyTile);
        KeyTilePointers tile, nextTile;
        work.Tile = &tile;
        work.NextTile = &nextTile;
        work.FirstKeyTile = Math.Max(unit->FirstKey, FirstVisible(step, firstPosition) / KeyTile * KeyTile);
        if (work.FirstKeyTile < unit->EndKey)
            work.NextTile->Find<TVector, TOps, TElement>(step, unit, work.FirstKeyTile);
        work.Widened = widened == 0 ? null : work.Corrections + KeyTile;
        PackQueries(&work);

        if (AttentionSegments<TVector, TOps>.TryGather(
            &step->Plan, unit, scratch + (padded * headSize), rows, headSize, &Gather, &work, out var whole))
        {
            WriteOutput(&work, whole);
        }
    }

    private static int FirstVisible(PagedAttentionStep* step, int position) =>
        step->WindowTokens == 0 ? 0 : Math.Max(position + 1 - step->WindowTokens, 0);

    /// <summary>Writes keys and values of those of the unit's tokens that stand at its positions.</summary>
    private static void WriteOwn(PagedAttentionStep* step, AttentionUnit* unit, int firstPosition)
    {
        var first = Math.Max(unit->FirstKey, firstPosition);
        var end = Math.Min(unit->EndKey, firstPosition + unit->TokenCount);
        if (first < end)
            PagedCacheWriter<TVector, TOps, TElement>.Write(step, unit, unit->FirstToken + first - firstPosition, end - first);
    }

    /// <summary>
    /// Queries of four rows side by side [row group, head size, 4], rotated and scaled; rows that pad the last group are 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackQueries(TileWork* work)
    {
        var step = work->Step;
        var unit = work->Unit;
        var group = step->GroupSize;
        var headSize = step->HeadSize;
        var scale = step->Scale * Log2E;
        var firstRow = step->CumulativeLengths[unit->Sequence] + unit->FirstToken;
        var rotated = stackalloc float[PagedAttentionStep.HeadSizeMax];
        for (var row = 0; row < work->Padded; row++)
        {
            var packed = work->Queries + ((row / RowGroup * RowGroup * headSize) + (row % RowGroup));
            if (row >= work->Rows)
            {
                for (var d = 0; d < headSize; d++)
                    packed[d * RowGroup] = 0;
                continue;
            }

            var token = row / group;
            var query = step->Qkv + ((long)(firstRow + token) * step->QkvWidth) + (((unit->Head * group) + (row % group)) * headSize);
            var position = work->FirstPosition + token;
            HeadPreparation<TVector, TOps>.Prepare(step, query, step->QueryNorm, firstRow + token, position, rotated);
            var factor = step->QueryBeta == 0 ? scale : scale * QueryScale(step, position);
            for (var d = 0; d < headSize; d++)
                packed[d * RowGroup] = rotated[d] * factor;
        }
    }

    private static float QueryScale(PagedAttentionStep* step, int position) =>
        1 + (step->QueryBeta * MathF.Log(1 + (position / step->QueryPositions)));

    /// <summary>Attends over the unit's keys of one segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(void* argument, int segment, AttentionState state)
    {
        var work = (TileWork*)argument;
        state.Clear();
        new Span<float>(work->LaneSums, work->Padded * TOps.Width).Clear();
        var step = work->Step;
        var unit = work->Unit;
        var end = Math.Min(segment + Segment, unit->EndKey);
        for (var start = Math.Max(segment, work->FirstKeyTile); start < end; start += KeyTile)
        {
            // The tile was found while the one before was read.
            var tile = work->NextTile;
            work->NextTile = work->Tile;
            work->Tile = tile;
            if (start + KeyTile < unit->EndKey)
                work->NextTile->Find<TVector, TOps, TElement>(step, unit, start + KeyTile);
            var next = start + KeyTile < unit->EndKey ? work->NextTile : work->Tile;
            if (work->Widened is null)
            {
                AttendTile<TElement>(work, work->Tile, next, start, state);
                continue;
            }

            work->Tile->Widen<TVector, TOps, TElement>(step, next, unit->EndKey - start, work->Widened);
            AttendTile<Fp32Element>(work, work->Tile, work->Tile, start, state);
        }

        for (var row = 0; row < work->Padded; row++)
            state.Sums[row] = TOps.SumAcross(TOps.Load(work->LaneSums + (row * TOps.Width)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AttendTile<TRead>(
        TileWork* work, KeyTilePointers* tile, KeyTilePointers* next, int start, AttentionState state)
        where TRead : struct, ICacheElement
    {
        var step = work->Step;
        var headSize = step->HeadSize;
        var softcap = step->Softcap * Log2E;
        var keyScales = TElement.HasScales ? (float**)tile->KeyScales : null;
        var valueScales = TElement.HasScales ? (float**)tile->ValueScales : null;
        AttentionView view = default;
        if (work->Rows == 1)
        {
            view.Find(start, 0, 1, 1, work->FirstPosition, step->WindowTokens);
            AttentionScores<TVector, TOps, TRead>.ComputeOne(
                work->Queries, (byte**)tile->Keys, (byte**)next->Keys, tile->KeyStride, headSize, view.First, view.End, work->Scores);
            AttentionWeights<TVector, TOps>.FindMaxima(work->Scores, &view, 1, keyScales, softcap, state.Maxima, work->Corrections);
            AttentionWeights<TVector, TOps>.Weigh(
                work->Scores, &view, 1, valueScales, state.Maxima, work->Corrections, work->LaneSums);
            AttentionValues<TVector, TOps, TRead>.AddOne(
                work->Scores, work->Corrections, (byte**)tile->Values, (byte**)next->Values, tile->RunTokens, headSize, view.First,
                view.End, state.Accumulators);
            return;
        }

        for (var row = 0; row < work->Padded; row += RowGroup)
        {
            if (!view.Find(start, row, work->Rows, step->GroupSize, work->FirstPosition, step->WindowTokens))
                continue;
            AttentionScores<TVector, TOps, TRead>.Compute(
                work->Queries + ((long)row * headSize), (byte**)tile->Keys, (byte**)next->Keys, tile->KeyStride, headSize, view.First,
                view.End, work->Scores);
            AttentionWeights<TVector, TOps>.FindMaxima(
                work->Scores, &view, RowGroup, keyScales, softcap, state.Maxima + row, work->Corrections);
            AttentionWeights<TVector, TOps>.Weigh(
                work->Scores, &view, RowGroup, valueScales, state.Maxima + row, work->Corrections, work->LaneSums + (row * TOps.Width));
            AttentionValues<TVector, TOps, TRead>.Add(
                work->Scores, work->Corrections, (byte**)tile->Values, (byte**)next->Values, tile->RunTokens, headSize, view.First,
                view.End, state.Accumulators + ((long)row * headSize));
            // Once fetched it is there for all rows.
            next = tile;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteOutput(TileWork* work, AttentionState state)
    {
        var step = work->Step;
        var unit = work->Unit;
        var group = step->GroupSize;
        var headSize = step->HeadSize;
        for (var row = 0; row < work->Rows; row++)
        {
            var source = state.Accumulators + ((long)row * headSize);
            long token = step->CumulativeLengths[unit->Sequence] + unit->FirstToken + (row / group);
            var output = step->Output + (((token * step->QueryHeads) + (unit->Head * group) + (row % group)) * headSize);
            var factor = TOps.Broadcast(step->Sinks is null ? 1 / state.Sums[row]
                : SinkFactor(step->Sinks[(unit->Head * group) + (row % group)], state.Maxima[row], state.Sums[row]));
            for (var d = 0; d < headSize; d += TOps.Width)
                TOps.Store(output + d, TOps.Multiply(TOps.Load(source + d), factor));
        }
    }

    /// <summary>What the weighted values are multiplied with, where a logit without a value takes its part of the softmax.</summary>
    private static float SinkFactor(float sink, float maximum, float sum)
    {
        sink *= Log2E;
        var largest = MathF.Max(maximum, sink);
        var seen = VectorMath<float, ScalarOps>.Exp2(maximum - largest);
        return seen / ((sum * seen) + VectorMath<float, ScalarOps>.Exp2(sink - largest));
    }

    private struct TileWork
    {
        public PagedAttentionStep* Step;
        public AttentionUnit* Unit;
        public int FirstPosition;
        public int Rows;
        public int Padded;

        /// <summary>The first key tile that some row sees.</summary>
        public int FirstKeyTile;

        public KeyTilePointers* Tile;
        public KeyTilePointers* NextTile;
        public float* Queries;
        public float* LaneSums;
        public float* Scores;
        public float* Corrections;

        /// <summary>Keys and values of a tile in float32, where many rows read them; null where they are read as they lie.</summary>
        public float* Widened;
    }
}
