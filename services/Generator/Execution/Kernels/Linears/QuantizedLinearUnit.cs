using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>A unit of a linear: two streams of weights with all rows, for one instruction set.</summary>
internal static unsafe class QuantizedLinearUnit<TOps, TInt, TFloat>
    where TOps : struct, IQuantizedOps<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
{
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;
    private const int TileRowsMax = 8;
    private const int TileFloats = 2 * BlockOutputs * TileRowsMax;

    /// <summary>2^112: the distance of the exponents of a half and a float.</summary>
    private const float HalfFactor = 5.192296858534828e33f;

    private const float HighFactor = 16 * HalfFactor;
    private const float HighMinimum = -120.5f / 16;
    private const float LowMinimum = -7.5f;

    /// <summary>Runs one unit: sixteen or thirty-two outputs of all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(QuantizedLinearStep* step, nint unit)
    {
        var space = stackalloc float[(3 * TileFloats) + 16];
        var sums = (float*)(((nuint)space + 63) & ~(nuint)63);
        QuantizedTile tile = default, partner = default;
        SetUp(step, &tile, sums);
        SetUp(step, &partner, sums + TileFloats);
        tile.GroupSums = partner.GroupSums = (int*)(sums + (2 * TileFloats));
        SetStreams(step, (int)unit, ref tile, ref partner);

        int rows;
        for (var row = 0; row < step->Rows; row += rows)
        {
            rows = QuantizedLinearStep.RowsOfTile(step->Rows - row, TOps.TileRows);
            RunTile(step, &tile, rows);
            if (step->HasBytes && step->Gated)
            {
                RunTile(step, &partner, rows);
                StoreGatedPlanes(step, tile.Sums, partner.Sums, (int)unit, row, rows);
            }
            else if (step->Gated)
                StoreGated(step, tile.Sums, (int)unit, row, rows);
            else if (step->HasBytes)
                StorePlanes(step, tile.Sums, (int)unit, row, rows);
            else
                Store(step, tile.Sums, (int)unit, row, rows);
        }
    }

    /// <summary>
    /// The high plane of a head's next two blocks with all rows: coarse logits, and the best of each row and block.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunCoarse(QuantizedLinearStep* argument, nint unit)
    {
        var head = (QuantizedHeadStep*)argument;
        var step = &head->Linear;
        var space = stackalloc float[(2 * TileFloats) + 16];
        var sums = (float*)(((nuint)space + 63) & ~(nuint)63);
        QuantizedTile tile = default;
        SetUp(step, &tile, sums);
        tile.GroupSums = (int*)(sums + TileFloats);
        var first = 2 * (int)unit;
        // A last block without a neighbour is computed twice and stored once.
        var second = Math.Min(first + 1, step->Blocks - 1);
        SetPlane(step, 0, first, second, &tile);
        tile.Ahead = 2 * (nint)QuantizedLinearLayout.BlockBytes(step->Inputs);
        tile.ScalesAhead = 2 * QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, minima: false) * sizeof(ushort);

        PrefetchOctets(head, first + 2, second + 2);
        for (int t = 0, row = 0, rows; row < step->Rows; t++, row += rows)
        {
            rows = QuantizedLinearStep.RowsOfTile(step->Rows - row, TOps.TileRows);
            RunTile(step, &tile, rows);
            for (var r = 0; r < rows; r++)
            {
                var values = tile.Sums + (2 * BlockOutputs * r);
                StoreCoarse(head, t, row, rows, r, first, values);
                if (second != first)
                    StoreCoarse(head, t, row, rows, r, second, values + BlockOutputs);
            }
        }
    }

    /// <summary>Adds the low plane of two of the blocks asked for to the coarse logits of the tiles that asked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunExact(QuantizedLinearStep* argument, nint unit)
    {
        var head = (QuantizedHeadStep*)argument;
        var step = &head->Linear;
        var space = stackalloc float[(2 * TileFloats) + 16];
        var sums = (float*)(((nuint)space + 63) & ~(nuint)63);
        QuantizedTile tile = default;
        SetUp(step, &tile, sums);
        tile.GroupSums = (int*)(sums + TileFloats);
        var first = head->List[2 * unit];
        var second = (2 * (int)unit) + 1 < head->ListCount ? head->List[(2 * unit) + 1] : first;
        SetPlane(step, 1, first, second, &tile);

        for (var t = 0; t < head->Tiles; t++)
        {
            bool wantsFirst = head->Wants(t, first), wantsSecond = second != first && head->Wants(t, second);
            if (!wantsFirst && !wantsSecond)
                continue;
            var (row, rows) = step->Tile(t, TOps.TileRows);
            tile.Activations = step->Activations + ((nint)row * step->Inputs);
            tile.Parameters = step->Parameters + ((nint)row * step->Groups * 2);
            RunTile(step, &tile, rows);
            for (var r = 0; r < rows; r++)
            {
                var values = tile.Sums + (2 * BlockOutputs * r);
                if (wantsFirst)
                    AddBlock(step, values, first, row + r);
                if (wantsSecond)
                    AddBlock(step, values + BlockOutputs, second, row + r);
            }
        }
    }

    /// <summary>
    /// Stores a row's coarse logits of a block, and notes the best of them with and without the outlying inputs' low codes.
    /// </summary>
    private static void StoreCoarse(QuantizedHeadStep* head, int tile, int row, int rows, int r, int block, float* values)
    {
        var step = &head->Linear;
        StoreBlock(step, Vector512.Load(values), block, row + r);
        var index = ((long)(row + r) * step->Blocks) + block;
        head->Coarse[index] = head->BestOf(block, values);
        var count = head->OctetCounts[tile];
        if (count == 0)
        {
            head->Best[index] = head->Coarse[index];
            return;
        }

        var blockBytes = QuantizedLinearLayout.BlockBytes(step->Inputs);
        var codes = step->Codes + ((step->PlaneBlocks + block) * blockBytes);
        var halves = step->Halves + ((long)block * QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, minima: false));
        var activations = step->Activations + ((nint)row * step->Inputs) + (8 * r);
        var parameters = step->Parameters + ((nint)row * step->Groups * 2) + (2 * r);
        for (var i = 0; i < count; i++)
        {
            var octet = head->Octets[(tile * QuantizedHeadStep.OctetsMax) + i];
            var group = 8 * octet / step->Group;
            var inputs = activations + ((nint)octet * 8 * rows);
            var rowScale = TOps.Broadcast(parameters[(nint)2 * rows * group]);
            TInt x = TOps.Broadcast(inputs), y = TOps.Broadcast(inputs + 4);
            var offset = TOps.Broadcast(LowMinimum * head->OctetSums[((row + r) * QuantizedHeadStep.OctetsMax) + i]);
            for (var lane = 0; lane < BlockOutputs; lane += TOps.Width)
            {
                var low = TOps.LoadCodes(codes + ((nint)octet * QuantizedLinearLayout.VectorBytes) + (4 * lane));
                var integers = TOps.Widen(TOps.Multiply(TOps.Low(low), x, TOps.High(low), y));
                var scale = TOps.LoadHalves(halves + (BlockOutputs * group) + lane, TOps.Broadcast(HalfFactor));
                var part = TOps.Multiply(TOps.MultiplyAdd(TOps.ToFloat(integers), scale, TOps.Multiply(offset, scale)), rowScale);
                TOps.Store(values + lane, TOps.MultiplyAdd(part, TOps.Broadcast(1f), TOps.Load(values + lane)));
            }
        }

        head->Best[index] = head->BestOf(block, values);
    }

    /// <summary>Low codes of outlying inputs lie a block apart, which no processor fetches by itself.</summary>
    private static void PrefetchOctets(QuantizedHeadStep* head, int first, int second)
    {
        var step = &head->Linear;
        if (!Sse.IsSupported || second >= step->Blocks)
            return;
        var blockBytes = QuantizedLinearLayout.BlockBytes(step->Inputs);
        var codes = step->Codes + ((step->PlaneBlocks + first) * blockBytes);
        for (var t = 0; t < head->Tiles; t++)
        {
            for (var i = 0; i < head->OctetCounts[t]; i++)
            {
                var vector = codes + ((nint)head->Octets[(t * QuantizedHeadStep.OctetsMax) + i] * QuantizedLinearLayout.VectorBytes);
                Sse.Prefetch0(vector);
                Sse.Prefetch0(vector + ((second - first) * blockBytes));
            }
        }
    }

    private static void SetUp(QuantizedLinearStep* step, QuantizedTile* tile, float* sums)
    {
        tile->Groups = step->Groups;
        tile->GroupRuns = Math.Max(step->Group / QuantizedTile.RunInputs, 1);
        tile->HasMinima = step->HasMinima;
        tile->GroupHalves = BlockOutputs * (step->HasMinima ? 2 : 1);
        tile->Sums = sums;
        tile->Activations = step->Activations;
        tile->Parameters = step->Parameters;
        var parts = (step->Rows / TOps.TileRows) switch { >= 4 => 4, >= 2 => 2, _ => 1 };
        tile->AheadParts = parts;
        tile->AheadStep = QuantizedLinearLayout.VectorBytes / parts;
        tile->AheadPart = (nint)QuantizedLinearLayout.BlockBytes(step->Inputs) / parts;
    }

    private static void SetStreams(QuantizedLinearStep* step, int unit, ref QuantizedTile tile, ref QuantizedTile partner)
    {
        if (step->HasBytes)
        {
            SetPlanes(step, unit, ref tile);
            if (step->Gated)
                SetPlanes(step, unit + (step->Blocks / 2), ref partner);
            return;
        }

        var blockBytes = QuantizedLinearLayout.BlockBytes(step->Inputs);
        var blockHalves = QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, step->HasMinima);
        var first = step->Gated ? unit : 2 * unit;
        // A last block without a neighbour is computed twice and stored once.
        var second = step->Gated ? unit + (step->Blocks / 2) : Math.Min(first + 1, step->Blocks - 1);
        tile.FirstCodes = step->Codes + (first * blockBytes);
        tile.SecondCodes = step->Codes + (second * blockBytes);
        tile.FirstHalves = step->Halves + ((long)first * blockHalves);
        tile.SecondHalves = step->Halves + ((long)second * blockHalves);
        tile.FirstFactor = tile.SecondFactor = HalfFactor;
        tile.FirstMinimum = tile.SecondMinimum = -8;
        tile.Ahead = step->Ahead != 0 ? step->Ahead : (nint)(step->Gated ? blockBytes : 2 * blockBytes);
        tile.ScalesAhead = step->Ahead != 0 ? step->ScalesAhead : (step->Gated ? blockHalves : 2 * blockHalves) * sizeof(ushort);
    }

    /// <summary>
    /// 16 · high + low − 128 or a minimum, each plane around its middle, so that the high one alone is an unbiased estimate. Levels have
    /// their planes in two tables.
    /// </summary>
    private static void SetPlanes(QuantizedLinearStep* step, int block, ref QuantizedTile tile)
    {
        var blockBytes = QuantizedLinearLayout.BlockBytes(step->Inputs);
        tile.FirstCodes = step->Codes + (block * blockBytes);
        tile.SecondCodes = tile.FirstCodes + (step->Levels is null ? step->PlaneBlocks * blockBytes : 0);
        tile.FirstTable = step->Levels;
        tile.SecondTable = step->Levels + LevelPlanes.TableBytes;
        tile.FirstHalves = step->Halves + ((long)block * QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, step->HasMinima));
        tile.SecondHalves = tile.FirstHalves;
        tile.FirstFactor = HighFactor;
        tile.SecondFactor = HalfFactor;
        tile.SharesMinima = step->HasMinima;
        tile.FirstMinimum = step->HasMinima ? -LowMinimum / 16 : HighMinimum;
        tile.SecondMinimum = LowMinimum;
        tile.Ahead = step->Ahead != 0 ? step->Ahead : (nint)blockBytes;
        tile.ScalesAhead = step->Ahead != 0 ? step->ScalesAhead
            : QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, step->HasMinima) * sizeof(ushort);
    }

    /// <summary>One plane of two blocks as the two streams, with the arithmetic that <see cref="SetPlanes"/> gives it.</summary>
    private static void SetPlane(QuantizedLinearStep* step, int plane, int first, int second, QuantizedTile* tile)
    {
        var blockBytes = QuantizedLinearLayout.BlockBytes(step->Inputs);
        var blockHalves = (long)QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, minima: false);
        var codes = step->Codes + (plane * step->PlaneBlocks * blockBytes);
        tile->FirstCodes = codes + (first * blockBytes);
        tile->SecondCodes = codes + (second * blockBytes);
        tile->FirstHalves = step->Halves + (first * blockHalves);
        tile->SecondHalves = step->Halves + (second * blockHalves);
        tile->FirstFactor = tile->SecondFactor = plane == 0 ? HighFactor : HalfFactor;
        tile->FirstMinimum = tile->SecondMinimum = plane == 0 ? HighMinimum : LowMinimum;
    }

    /// <summary>Fills the sums of the next rows.</summary>
    private static void RunTile(QuantizedLinearStep* step, QuantizedTile* tile, int rows)
    {
        if (step->Levels is not null)
            RunTile<LevelForm>(step, tile, rows);
        else if (step->Group == QuantizedLinearLayout.SmallGroup)
            RunTile<SmallGroupForm>(step, tile, rows);
        else
            RunTile<PlainForm>(step, tile, rows);
    }

    private static void RunTile<TForm>(QuantizedLinearStep* step, QuantizedTile* tile, int rows)
        where TForm : struct, ITileForm
    {
        if (TOps.HasRow && rows == 1 && typeof(TForm) == typeof(PlainForm))
            TOps.RunRow(tile);
        else
            RunParts<TForm>(tile, rows);
        tile->Activations += (nint)rows * step->Inputs;
        tile->Parameters += (nint)rows * tile->Groups * 2;
        // The streams are in the caches from now on, and what comes next is when all its parts were asked for.
        (tile->Ahead, tile->ScalesAhead) = (tile->Ahead + tile->AheadPart, 0);
        if (--tile->AheadParts == 0)
            (tile->Ahead, tile->AheadStep, tile->AheadPart) = (0, 0, 0);
    }

    private static void RunParts<TForm>(QuantizedTile* tile, int rows)
        where TForm : struct, ITileForm
    {
        new Span<float>(tile->Sums, rows * 2 * BlockOutputs).Clear();
        for (var part = 0; part < BlockOutputs / TOps.Width; part++)
        {
            switch (rows)
            {
                case 1:
                    QuantizedTileBody<TOps, TInt, TFloat, OneRow, TForm>.Run(tile, part);
                    break;
                case 2:
                    QuantizedTileBody<TOps, TInt, TFloat, TwoRows, TForm>.Run(tile, part);
                    break;
                case 3:
                    QuantizedTileBody<TOps, TInt, TFloat, ThreeRows, TForm>.Run(tile, part);
                    break;
                case 4:
                    QuantizedTileBody<TOps, TInt, TFloat, FourRows, TForm>.Run(tile, part);
                    break;
                default:
                    QuantizedTileBody<TOps, TInt, TFloat, EightRows, TForm>.Run(tile, part);
                    break;
            }
        }
    }

    private static void Store(QuantizedLinearStep* step, float* sums, int unit, int row, int rows)
    {
        if (step->Targets is not null)
        {
            AddPair(step, sums, 2 * unit, row, rows);
            return;
        }

        var start = unit * 2 * BlockOutputs;
        var count = Math.Min(2 * BlockOutputs, step->Outputs - start);
        for (var r = 0; r < rows; r++, sums += 2 * BlockOutputs)
            new ReadOnlySpan<float>(sums, count).CopyTo(new Span<float>(step->OutputRow(row + r) + start, count));
    }

    private static void StorePlanes(QuantizedLinearStep* step, float* sums, int block, int row, int rows)
    {
        for (var r = 0; r < rows; r++, sums += 2 * BlockOutputs)
        {
            if (step->Targets is not null)
                AddToTarget(step, Planes(sums), block, row + r);
            else
                StoreBlock(step, Planes(sums), block, row + r);
        }
    }

    private static void StoreGated(QuantizedLinearStep* step, float* sums, int block, int row, int rows)
    {
        for (var r = 0; r < rows; r++, sums += 2 * BlockOutputs)
            StoreBlock(step, Gate(step, Vector512.Load(sums), Vector512.Load(sums + BlockOutputs), block), block, row + r);
    }

    private static void StoreGatedPlanes(QuantizedLinearStep* step, float* gates, float* ups, int block, int row, int rows)
    {
        for (var r = 0; r < rows; r++, gates += 2 * BlockOutputs, ups += 2 * BlockOutputs)
            StoreBlock(step, Gate(step, Planes(gates), Planes(ups), block), block, row + r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Gate(QuantizedLinearStep* step, Vector512<float> gate, Vector512<float> up, int block)
    {
        if (step->Bias is not null)
        {
            var bias = step->Bias + (block * BlockOutputs);
            gate += Vector512.Load(bias);
            up += Vector512.Load(bias + step->Columns);
        }

        return step->Clamped ? GatedActivation.ApplyClamped(gate, up, step->Alpha, step->Limit)
            : step->Gelu ? GatedActivation.ApplyGelu(gate, up) : GatedActivation.Apply(gate, up);
    }

    private static void AddPair(QuantizedLinearStep* step, float* sums, int block, int row, int rows)
    {
        for (var r = 0; r < rows; r++, sums += 2 * BlockOutputs)
        {
            AddToTarget(step, Vector512.Load(sums), block, row + r);
            if (block + 1 < step->Blocks)
                AddToTarget(step, Vector512.Load(sums + BlockOutputs), block + 1, row + r);
        }
    }

    /// <summary>target += (product + bias) · factor, in this order of roundings.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddToTarget(QuantizedLinearStep* step, Vector512<float> values, int block, int row)
    {
        var start = block * BlockOutputs;
        var output = step->Output + ((long)step->Targets[row] * step->Outputs) + start;
        var factor = step->Factors[row];
        if (start + BlockOutputs <= step->Outputs)
        {
            if (step->Bias is not null)
                values += Vector512.Load(step->Bias + start);
            (Vector512.Load(output) + (values * Vector512.Create(factor))).Store(output);
            return;
        }

        for (var i = 0; start + i < step->Outputs; i++)
            output[i] += (step->Bias is null ? values[i] : values[i] + step->Bias[start + i]) * factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Planes(float* sums) => Vector512.Load(sums) + Vector512.Load(sums + BlockOutputs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBlock(QuantizedLinearStep* step, Vector512<float> values, int block, int row)
    {
        var start = block * BlockOutputs;
        var output = step->OutputRow(row) + start;
        if (start + BlockOutputs <= step->Columns)
        {
            values.Store(output);
            return;
        }

        for (var i = 0; start + i < step->Columns; i++)
            output[i] = values[i];
    }

    private static void AddBlock(QuantizedLinearStep* step, float* values, int block, int row)
    {
        var start = block * BlockOutputs;
        var output = step->Output + ((long)row * step->Columns) + start;
        var count = Math.Min(BlockOutputs, step->Columns - start);
        if (count == BlockOutputs)
            (Vector512.Load(output) + Vector512.Load(values)).Store(output);
        for (var i = 0; count < BlockOutputs && i < count; i++)
            output[i] += values[i];
    }
}
