using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// One head of one sequence through the scan of Mamba-2, row by row: S ← e^(a·t) · S + B ⊗ t·x; Sᵀ C + d·x; and the gate and the norm of a
/// group of heads behind it. As in <see cref="GatedDeltaUnit{TVector, TOps}"/> a few columns go through all rows of a tile at a time, and
/// a row's bits depend on the rows before it and on nothing else.
/// </summary>
internal static unsafe class MambaScanUnit<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    private const int TileRows = StatePath.TileRows;

    /// <summary>Columns that lie together in a state.</summary>
    private const int Panel = 16;

    /// <summary>Computes a unit of the scan.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scan(MambaScanStep* step, nint unit)
    {
        var (sequence, head) = ((int)unit / step->Heads, (int)unit % step->Heads);
        var (first, end) = (step->Recurrent.CumulativeLengths[sequence], step->Recurrent.CumulativeLengths[sequence + 1]);
        if (first == end)
            return;
        var offset = (long)head * step->StateFloats;
        var working = RecurrenceScratch.Head(step->StateFloats);
        var tile = new Tile { Head = head };
        var path = new StatePath(&step->Recurrent, sequence, offset, working, step->StateFloats);
        for (; first < end; first += tile.Count)
        {
            (tile.First, tile.Count) = (first, Math.Min(TileRows, end - first));
            path.Enter(&step->Recurrent, first, tile.Count, first + tile.Count == end, offset);
            for (var row = 0; row < tile.Count; row++)
            {
                var raw = step->Time[((long)(first + row) * step->TimeStride) + head];
                tile.Times[row] = StateDecay.Time(raw, step->TimeBias[head]);
                tile.Decays[row] = StateDecay.Of(step->Decay[head], tile.Times[row]);
            }

            var column = 0;
            for (; column + (4 * TOps.Width) <= step->HeadSize; column += 4 * TOps.Width)
            {
                for (var row = 0; row < tile.Count; row++)
                    AdvanceFour(step, &tile, &path, row, column);
            }

            for (; column < step->HeadSize; column += TOps.Width)
            {
                for (var row = 0; row < tile.Count; row++)
                    AdvanceOne(step, &tile, &path, row, column);
            }

            path.Leave(tile.Count);
        }
    }

    /// <summary>Gates and normalises a row that all its heads have written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalize(MambaScanStep* step, nint row)
    {
        var output = step->Output + (row * step->Width);
        var gate = step->Gate + (row * step->GateStride);
        var size = step->Width / step->Groups;
        for (var start = 0; start < step->Width; start += size)
        {
            var squares = Vector512<float>.Zero;
            for (var i = start; i < start + size; i += Vector512<float>.Count)
            {
                var gated = GatedActivation.Apply(Vector512.Load(gate + i), Vector512.Load(output + i));
                squares = Vector512.FusedMultiplyAdd(gated, gated, squares);
                gated.Store(output + i);
            }

            var factor = Vector512.Create(1 / MathF.Sqrt((LaneSums.Across(squares) / size) + step->Epsilon));
            for (var i = start; i < start + size; i += Vector512<float>.Count)
                (Vector512.Load(output + i) * factor * Vector512.Load(step->Norm + i)).Store(output + i);
        }
    }

    /// <summary>Takes four vectors of columns over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AdvanceFour(MambaScanStep* step, Tile* tile, StatePath* path, int row, int column)
    {
        var size = step->StateSize;
        var given = Given(step, tile, row);
        var written = Written(step, tile, row);
        var (o0, o1, o2, o3) = (Place(column, size), Place(column + TOps.Width, size),
            Place(column + (2 * TOps.Width), size), Place(column + (3 * TOps.Width), size));
        var (time, decay) = (TOps.Broadcast(tile->Times[row]), TOps.Broadcast(tile->Decays[row]));
        var x = step->Mixed + ((long)(tile->First + row) * step->MixedWidth) + (tile->Head * step->HeadSize) + column;
        var (x0, x1) = (TOps.Multiply(time, TOps.Load(x)), TOps.Multiply(time, TOps.Load(x + TOps.Width)));
        var (x2, x3) = (TOps.Multiply(time, TOps.Load(x + (2 * TOps.Width))), TOps.Multiply(time, TOps.Load(x + (3 * TOps.Width))));
        TVector y0 = default, y1 = default, y2 = default, y3 = default;
        // Where nobody wants the state behind a row, it goes where nobody looks.
        var before = path->Before(row);
        var behind = path->Behind(row);
        behind = behind is null ? path->Working : behind;
        for (var i = 0; i < size; i++)
        {
            var (b, c, at) = (TOps.Broadcast(given[i]), TOps.Broadcast(written[i]), i * Panel);
            var c0 = TOps.MultiplyAdd(b, x0, TOps.Multiply(decay, TOps.Load(before + o0 + at)));
            var c1 = TOps.MultiplyAdd(b, x1, TOps.Multiply(decay, TOps.Load(before + o1 + at)));
            var c2 = TOps.MultiplyAdd(b, x2, TOps.Multiply(decay, TOps.Load(before + o2 + at)));
            var c3 = TOps.MultiplyAdd(b, x3, TOps.Multiply(decay, TOps.Load(before + o3 + at)));
            y0 = TOps.MultiplyAdd(c0, c, y0);
            y1 = TOps.MultiplyAdd(c1, c, y1);
            y2 = TOps.MultiplyAdd(c2, c, y2);
            y3 = TOps.MultiplyAdd(c3, c, y3);
            TOps.Store(behind + o0 + at, c0);
            TOps.Store(behind + o1 + at, c1);
            TOps.Store(behind + o2 + at, c2);
            TOps.Store(behind + o3 + at, c3);
        }

        Write(step, tile, row, column, y0);
        Write(step, tile, row, column + TOps.Width, y1);
        Write(step, tile, row, column + (2 * TOps.Width), y2);
        Write(step, tile, row, column + (3 * TOps.Width), y3);
    }

    /// <summary>The same for one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AdvanceOne(MambaScanStep* step, Tile* tile, StatePath* path, int row, int column)
    {
        var size = step->StateSize;
        var given = Given(step, tile, row);
        var written = Written(step, tile, row);
        var (time, decay) = (TOps.Broadcast(tile->Times[row]), TOps.Broadcast(tile->Decays[row]));
        var x = TOps.Multiply(
            time,
            TOps.Load(step->Mixed + ((long)(tile->First + row) * step->MixedWidth) + (tile->Head * step->HeadSize) + column));
        TVector y = default;
        var before = path->Before(row) + Place(column, size);
        var behind = (path->Behind(row) is null ? path->Working : path->Behind(row)) + Place(column, size);
        for (var i = 0; i < size; i++)
        {
            var kept = TOps.Multiply(decay, TOps.Load(before + (i * Panel)));
            var state = TOps.MultiplyAdd(TOps.Broadcast(given[i]), x, kept);
            y = TOps.MultiplyAdd(state, TOps.Broadcast(written[i]), y);
            TOps.Store(behind + (i * Panel), state);
        }

        Write(step, tile, row, column, y);
    }

    /// <summary>B of the head's group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Given(MambaScanStep* step, Tile* tile, int row) =>
        step->Mixed + ((long)(tile->First + row) * step->MixedWidth) + step->Width
        + (tile->Head / (step->Heads / step->Groups) * step->StateSize);

    /// <summary>C of the head's group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Written(MambaScanStep* step, Tile* tile, int row) =>
        Given(step, tile, row) + (step->Groups * step->StateSize);

    /// <summary>Writes what a row reads, and what goes past the state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(MambaScanStep* step, Tile* tile, int row, int column, TVector read)
    {
        var index = (tile->Head * step->HeadSize) + column;
        var x = TOps.Load(step->Mixed + ((long)(tile->First + row) * step->MixedWidth) + index);
        TOps.Store(
            step->Output + ((long)(tile->First + row) * step->Width) + index,
            TOps.MultiplyAdd(TOps.Broadcast(step->Skip[tile->Head]), x, read));
    }

    /// <summary>Where a column lies in a head's state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Place(int column, int stateSize) => (column / Panel * Panel * stateSize) + (column % Panel);

    /// <summary>Rows of one head that go through the state together.</summary>
    private struct Tile
    {
        public int Head;
        public int First;
        public int Count;
        public fixed float Times[TileRows];
        public fixed float Decays[TileRows];
    }
}
