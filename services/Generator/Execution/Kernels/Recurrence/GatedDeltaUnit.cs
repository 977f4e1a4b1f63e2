using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// One head of one sequence through the gated delta rule, row by row: S ← e^g · S; S ← S + k ⊗ β (v − Sᵀk); Sᵀq, normalised and gated.
/// Columns of S know nothing of each other, so a few at a time go through all rows of a tile while they lie in the first-level cache; what
/// is summed up is summed up in one order, so a row's bits depend on the rows before it and on nothing else.
/// </summary>
internal static unsafe class GatedDeltaUnit<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    private const int TileRows = StatePath.TileRows;
    private const float LengthEpsilon = 1e-6f;

    /// <summary>Columns that lie together in a state.</summary>
    private const int Panel = 16;

    /// <summary>Computes a unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(GatedDeltaStep* step, nint unit)
    {
        var (sequence, head) = ((int)unit / step->ValueHeads, (int)unit % step->ValueHeads);
        var (first, end) = (step->Recurrent.CumulativeLengths[sequence], step->Recurrent.CumulativeLengths[sequence + 1]);
        if (first == end)
            return;
        var offset = (long)head * step->StateFloats;
        var working = RecurrenceScratch.Head(step->StateFloats + (2 * TileRows * step->KeySize));
        var tile = new Tile { Queries = working + step->StateFloats, Head = head };
        tile.Keys = tile.Queries + (TileRows * step->KeySize);
        var path = new StatePath(&step->Recurrent, sequence, offset, working, step->StateFloats);
        for (; first < end; first += tile.Count)
        {
            (tile.First, tile.Count) = (first, Math.Min(TileRows, end - first));
            path.Enter(&step->Recurrent, first, tile.Count, first + tile.Count == end, offset, goesPast: true);
            Prepare(step, &tile);
            var column = 0;
            for (; column + (4 * TOps.Width) <= step->ValueSize; column += 4 * TOps.Width)
            {
                for (var row = 0; row < tile.Count; row++)
                    AdvanceFour(step, &tile, &path, row, column);
            }

            for (; column < step->ValueSize; column += TOps.Width)
            {
                for (var row = 0; row < tile.Count; row++)
                    AdvanceOne(step, &tile, &path, row, column);
            }

            path.Leave(tile.Count);
            Finish(step, &tile);
        }

        if (Sse.IsSupported)
            Sse.StoreFence();
    }

    /// <summary>Lengths of queries and keys, and the numbers that a head has per row.</summary>
    private static void Prepare(GatedDeltaStep* step, Tile* tile)
    {
        var size = step->KeySize;
        var queryScale = 1 / MathF.Sqrt(size);
        var keyHead = step->KeyHeadOf(tile->Head);
        for (var row = 0; row < tile->Count; row++)
        {
            var source = step->Mixed + ((long)(tile->First + row) * step->MixedWidth) + (keyHead * size);
            var query = tile->Queries + (row * size);
            var key = tile->Keys + (row * size);
            LaneSums.Scale(source, queryScale / MathF.Sqrt(LaneSums.Dot(source, source, size) + LengthEpsilon), query, size);
            source += step->KeyHeads * size;
            LaneSums.Scale(source, 1 / MathF.Sqrt(LaneSums.Dot(source, source, size) + LengthEpsilon), key, size);
            tile->Products[row] = LaneSums.Dot(query, key, size);
            var factor = ((long)(tile->First + row) * step->FactorStride) + tile->Head;
            tile->Strengths[row] = (float)(1 / (1 + Math.Exp(-(double)step->Strength[factor])));
            tile->Decays[row] = StateDecay.Of(step->Decay[tile->Head], StateDecay.Time(step->Time[factor], step->TimeBias[tile->Head]));
        }
    }

    /// <summary>Takes four vectors of columns over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AdvanceFour(GatedDeltaStep* step, Tile* tile, StatePath* path, int row, int column)
    {
        var size = step->KeySize;
        var query = tile->Queries + (row * size);
        var key = tile->Keys + (row * size);
        var before = path->Before(row);
        var (o0, o1, o2, o3) = (Place(column, size), Place(column + TOps.Width, size),
            Place(column + (2 * TOps.Width), size), Place(column + (3 * TOps.Width), size));
        TVector k0 = default, k1 = default, k2 = default, k3 = default, q0 = default, q1 = default, q2 = default, q3 = default;
        for (var i = 0; i < size; i++)
        {
            var (k, q) = (TOps.Broadcast(key[i]), TOps.Broadcast(query[i]));
            var at = before + (i * Panel);
            var (c0, c1, c2, c3) = (TOps.Load(at + o0), TOps.Load(at + o1), TOps.Load(at + o2), TOps.Load(at + o3));
            k0 = TOps.MultiplyAdd(c0, k, k0);
            k1 = TOps.MultiplyAdd(c1, k, k1);
            k2 = TOps.MultiplyAdd(c2, k, k2);
            k3 = TOps.MultiplyAdd(c3, k, k3);
            q0 = TOps.MultiplyAdd(c0, q, q0);
            q1 = TOps.MultiplyAdd(c1, q, q1);
            q2 = TOps.MultiplyAdd(c2, q, q2);
            q3 = TOps.MultiplyAdd(c3, q, q3);
        }

        k0 = Correct(step, tile, row, column, k0, q0);
        k1 = Correct(step, tile, row, column + TOps.Width, k1, q1);
        k2 = Correct(step, tile, row, column + (2 * TOps.Width), k2, q2);
        k3 = Correct(step, tile, row, column + (3 * TOps.Width), k3, q3);
        float* behind = path->Behind(row), past = path->Past(row);
        var decay = TOps.Broadcast(tile->Decays[row]);
        for (var i = 0; i < size && (behind is not null || past is not null); i++)
        {
            var k = TOps.Broadcast(key[i]);
            var at = i * Panel;
            var c0 = TOps.MultiplyAdd(k, k0, TOps.Multiply(decay, TOps.Load(before + o0 + at)));
            var c1 = TOps.MultiplyAdd(k, k1, TOps.Multiply(decay, TOps.Load(before + o1 + at)));
            var c2 = TOps.MultiplyAdd(k, k2, TOps.Multiply(decay, TOps.Load(before + o2 + at)));
            var c3 = TOps.MultiplyAdd(k, k3, TOps.Multiply(decay, TOps.Load(before + o3 + at)));
            if (behind is not null)
            {
                TOps.Store(behind + o0 + at, c0);
                TOps.Store(behind + o1 + at, c1);
                TOps.Store(behind + o2 + at, c2);
                TOps.Store(behind + o3 + at, c3);
            }

            if (past is not null)
            {
                TOps.StorePast(past + o0 + at, c0);
                TOps.StorePast(past + o1 + at, c1);
                TOps.StorePast(past + o2 + at, c2);
                TOps.StorePast(past + o3 + at, c3);
            }
        }
    }

    /// <summary>The same for one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AdvanceOne(GatedDeltaStep* step, Tile* tile, StatePath* path, int row, int column)
    {
        var size = step->KeySize;
        var query = tile->Queries + (row * size);
        var key = tile->Keys + (row * size);
        var before = path->Before(row) + Place(column, size);
        var behind = path->Behind(row);
        TVector learned = default, read = default;
        for (var i = 0; i < size; i++)
        {
            var state = TOps.Load(before + (i * Panel));
            learned = TOps.MultiplyAdd(state, TOps.Broadcast(key[i]), learned);
            read = TOps.MultiplyAdd(state, TOps.Broadcast(query[i]), read);
        }

        var correction = Correct(step, tile, row, column, learned, read);
        var past = path->Past(row);
        for (var i = 0; i < size && (behind is not null || past is not null); i++)
        {
            var kept = TOps.Multiply(TOps.Broadcast(tile->Decays[row]), TOps.Load(before + (i * Panel)));
            var changed = TOps.MultiplyAdd(TOps.Broadcast(key[i]), correction, kept);
            if (behind is not null)
                TOps.Store(behind + Place(column, size) + (i * Panel), changed);
            if (past is not null)
                TOps.Store(past + Place(column, size) + (i * Panel), changed);
        }
    }

    /// <summary>
    /// What a row adds along its key, β (v − e^g · Sᵀk); writes what it reads, e^g · Sᵀq + (k · q) times that.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Correct(GatedDeltaStep* step, Tile* tile, int row, int column, TVector learned, TVector read)
    {
        var decay = TOps.Broadcast(tile->Decays[row]);
        var index = (tile->Head * step->ValueSize) + column;
        var value = TOps.Load(
            step->Mixed + ((long)(tile->First + row) * step->MixedWidth) + (2 * step->KeyHeads * step->KeySize) + index);
        var correction = TOps.Multiply(
            TOps.Subtract(value, TOps.Multiply(decay, learned)), TOps.Broadcast(tile->Strengths[row]));
        TOps.Store(
            step->Output + ((long)(tile->First + row) * step->ValueWidth) + index,
            TOps.MultiplyAdd(TOps.Broadcast(tile->Products[row]), correction, TOps.Multiply(decay, read)));
        return correction;
    }

    /// <summary>Norm and gate of the head's results.</summary>
    private static void Finish(GatedDeltaStep* step, Tile* tile)
    {
        var size = step->ValueSize;
        for (var row = 0; row < tile->Count; row++)
        {
            var output = step->Output + ((long)(tile->First + row) * step->ValueWidth) + (tile->Head * size);
            var gate = step->Gate + ((long)(tile->First + row) * step->GateStride) + (tile->Head * size);
            var factor = Vector512.Create(1 / MathF.Sqrt((LaneSums.Dot(output, output, size) / size) + step->Epsilon));
            for (var i = 0; i < size; i += Vector512<float>.Count)
            {
                var normalized = Vector512.Load(output + i) * factor * Vector512.Load(step->Norm + i);
                GatedActivation.Apply(Vector512.Load(gate + i), normalized).Store(output + i);
            }
        }
    }

    /// <summary>Where a column lies in a head's state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Place(int column, int keySize) => (column / Panel * Panel * keySize) + (column % Panel);

    /// <summary>Rows of one head that go through the state together.</summary>
    private struct Tile
    {
        public float* Queries;
        public float* Keys;
        public int Head;
        public int First;
        public int Count;
        public fixed float Products[TileRows];
        public fixed float Strengths[TileRows];
        public fixed float Decays[TileRows];
    }
}
