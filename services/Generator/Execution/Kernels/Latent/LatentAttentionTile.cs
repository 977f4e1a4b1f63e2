using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>The inner work of latent attention for one vector width and kind of cache.</summary>
/// <remarks>
/// As in <see cref="PagedAttentionTile{TVector, TOps, TElement}"/> every sum runs in an order that depends on absolute positions only, so a
/// row's result is the same bits alone or in a batch, as a decode row or within a prompt chunk, by one thread or by several. A narrow
/// cache is widened tile by tile: each unit has the rows of many heads.
/// </remarks>
internal static unsafe class LatentAttentionTile<TVector, TOps, TElement>
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
    public static void Attend(LatentAttentionStep* step, nint index)
    {
        var unit = step->Paged.Plan.Units + index;
        var rows = unit->TokenCount * step->Paged.GroupSize;
        var padded = PagedAttentionKernel.PaddedRows(rows);
        var (rank, width) = (step->Rank, step->Width);
        var stateFloats = PagedAttentionKernel.StateFloats(rows, rank);
        var widened = TElement.Bytes < sizeof(float) ? KeyTile * width : 0;
        var scratch = AttentionScratch.Tile(
            (padded * width) + (2 * stateFloats) + (padded * TOps.Width) + ((RowGroup + 1) * KeyTile) + widened);
        LatentTile tile;
        var work = new TileWork
        {
            Step = step,
            Unit = unit,
            FirstPosition = step->Paged.PastLengths[unit->Sequence] + unit->FirstToken,
            Rows = rows,
            Padded = padded,
            Tile = &tile,
            Queries = scratch,
            LaneSums = scratch + (padded * width) + (2 * stateFloats),
        };
        work.Scores = work.LaneSums + (padded * TOps.Width);
        work.Corrections = work.Scores + (RowGroup * KeyTile);
        work.Widened = work.Corrections + KeyTile;
        PackQueries(&work);

        if (AttentionSegments<TVector, TOps>.TryGather(
            &step->Paged.Plan, unit, scratch + (padded * width), rows, rank, &Gather, &work, out var whole))
        {
            WriteOutput(&work, whole);
        }
    }

    /// <summary>Queries [rows, rank + stored], scaled, the last part turned; rows that pad the last group are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackQueries(TileWork* work)
    {
        var step = work->Step;
        var (rank, width) = (step->Rank, step->Width);
        var factor = TOps.Broadcast(step->Paged.Scale * Log2E);
        new Span<float>(work->Queries, work->Padded * width).Clear();
        for (var row = 0; row < work->Rows; row++)
        {
            var (head, token) = Locate(work, row);
            var packed = work->Queries + (row * width);
            Buffer.MemoryCopy(
                step->LatentQueries + ((((long)head * step->Paged.TokenCount) + token) * rank), packed, rank * sizeof(float),
                rank * sizeof(float));
            var query = step->Queries + ((((long)token * step->Paged.QueryHeads) + head) * step->QuerySize);
            var position = work->FirstPosition + (row / step->Paged.GroupSize);
            RotaryEmbedding<TVector, TOps>.Rotate(
                &step->Paged, query + step->QuerySize - step->RotarySize, step->Paged.RotaryByToken ? token : position,
                step->RotarySize, packed + rank);
            for (var d = 0; d < width; d += TOps.Width)
                TOps.Store(packed + d, TOps.Multiply(TOps.Load(packed + d), factor));
        }
    }

    /// <summary>The query head and the token of the step that a row of the unit is.</summary>
    private static (int Head, int Token) Locate(TileWork* work, int row)
    {
        var unit = work->Unit;
        var group = work->Step->Paged.GroupSize;
        return ((unit->Head * group) + (row % group),
            work->Step->Paged.CumulativeLengths[unit->Sequence] + unit->FirstToken + (row / group));
    }

    /// <summary>Attends over the unit's positions of one segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(void* argument, int segment, AttentionState state)
    {
        var work = (TileWork*)argument;
        state.Clear();
        new Span<float>(work->LaneSums, work->Padded * TOps.Width).Clear();
        var unit = work->Unit;
        var end = Math.Min(segment + Segment, unit->EndKey);
        for (var start = segment; start < end; start += KeyTile)
        {
            if (TElement.Bytes < sizeof(float))
                work->Tile->Widen<TVector, TOps, TElement>(work->Step, unit->Sequence, start, unit->EndKey, work->Widened);
            else
                work->Tile->Find<TElement>(work->Step, unit->Sequence, start, unit->EndKey);
            AttendTile(work, start, state);
        }

        for (var row = 0; row < work->Padded; row++)
            state.Sums[row] = TOps.SumAcross(TOps.Load(work->LaneSums + (row * TOps.Width)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AttendTile(TileWork* work, int start, AttentionState state)
    {
        var step = work->Step;
        var tile = work->Tile;
        var (rank, width) = (step->Rank, step->Width);
        AttentionView view = default;
        for (var row = 0; row < work->Padded; row += RowGroup)
        {
            if (!view.Find(start, row, work->Rows, step->Paged.GroupSize, work->FirstPosition, windowTokens: 0))
                continue;
            LatentScores<TVector, TOps>.Compute(
                work->Queries + (row * width), tile, rank, step->RotaryStored, view.First, view.End, work->Scores);
            AttentionWeights<TVector, TOps>.FindMaxima(
                work->Scores, &view, RowGroup, keyScales: null, softcap: 0, state.Maxima + row, work->Corrections);
            AttentionWeights<TVector, TOps>.Weigh(
                work->Scores, &view, RowGroup, valueScales: null, state.Maxima + row, work->Corrections,
                work->LaneSums + (row * TOps.Width));
            AttentionValues<TVector, TOps, Fp32Element>.Add(
                work->Scores, work->Corrections, (byte**)tile->Latents, (byte**)tile->Latents, tile->RunTokens, rank, view.First, view.End,
                state.Accumulators + ((long)row * rank));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteOutput(TileWork* work, AttentionState state)
    {
        var step = work->Step;
        var rank = step->Rank;
        for (var row = 0; row < work->Rows; row++)
        {
            var (head, token) = Locate(work, row);
            var source = state.Accumulators + ((long)row * rank);
            var output = step->Paged.Output + ((((long)head * step->Paged.TokenCount) + token) * rank);
            var factor = TOps.Broadcast(1 / state.Sums[row]);
            for (var d = 0; d < rank; d += TOps.Width)
                TOps.Store(output + d, TOps.Multiply(TOps.Load(source + d), factor));
        }
    }

    private struct TileWork
    {
        public LatentAttentionStep* Step;
        public AttentionUnit* Unit;
        public int FirstPosition;
        public int Rows;
        public int Padded;
        public LatentTile* Tile;
        public float* Queries;
        public float* LaneSums;
        public float* Scores;
        public float* Corrections;

        /// <summary>Takes a tile in float32, where the cache is narrower.</summary>
        public float* Widened;
    }
}
