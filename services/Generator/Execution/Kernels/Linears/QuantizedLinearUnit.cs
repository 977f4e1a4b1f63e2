using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Parley.ModelImporter.Package;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>A unit of a linear: two streams of weights with all rows, for one instruction set.</summary>
internal static unsafe class QuantizedLinearUnit<TOps, TInt, TFloat>
    where TOps : struct, IQuantizedOps<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
{
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;
    private const int TileRowsMax = 8;

    /// <summary>2^112: the distance of the exponents of a half and a float.</summary>
    private const float HalfFactor = 5.192296858534828e33f;

    /// <summary>Runs one unit: sixteen or thirty-two outputs of all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(QuantizedLinearStep* step, nint unit)
    {
        const int TileFloats = 2 * BlockOutputs * TileRowsMax;
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
            if (step->Planes == 2 && step->Gated)
            {
                RunTile(step, &partner, rows);
                StoreGatedPlanes(step, tile.Sums, partner.Sums, (int)unit, row, rows);
            }
            else if (step->Gated)
                StoreGated(step, tile.Sums, (int)unit, row, rows);
            else if (step->Planes == 2)
                StorePlanes(step, tile.Sums, (int)unit, row, rows);
            else
                Store(step, tile.Sums, (int)unit, row, rows);
        }
    }

    private static void SetUp(QuantizedLinearStep* step, QuantizedTile* tile, float* sums)
    {
        tile->HasMinima = step->HasMinima;
        tile->Groups = step->Groups;
        tile->GroupRuns = step->Group / QuantizedTile.RunInputs;
        tile->Sums = sums;
        tile->Activations = step->Activations;
        tile->Parameters = step->Parameters;
    }

    private static void SetStreams(QuantizedLinearStep* step, int unit, ref QuantizedTile tile, ref QuantizedTile partner)
    {
        if (step->Planes == 2)
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
        tile.Ahead = (nint)(step->Gated ? blockBytes : 2 * blockBytes);
    }

    /// <summary>16 · high + low − 128, each plane around its middle, so that the high one alone is an unbiased estimate.</summary>
    private static void SetPlanes(QuantizedLinearStep* step, int block, ref QuantizedTile tile)
    {
        var blockBytes = QuantizedLinearLayout.BlockBytes(step->Inputs);
        tile.FirstCodes = step->Codes + (block * blockBytes);
        tile.SecondCodes = tile.FirstCodes + (step->Blocks * blockBytes);
        tile.FirstHalves = step->Halves + ((long)block * QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, minima: false));
        tile.SecondHalves = tile.FirstHalves;
        tile.FirstFactor = 16 * HalfFactor;
        tile.SecondFactor = HalfFactor;
        tile.FirstMinimum = -120.5f / 16;
        tile.SecondMinimum = -7.5f;
        tile.Ahead = (nint)blockBytes;
    }

    /// <summary>Fills the sums of the next rows.</summary>
    private static void RunTile(QuantizedLinearStep* step, QuantizedTile* tile, int rows)
    {
        new Span<float>(tile->Sums, rows * 2 * BlockOutputs).Clear();
        for (var part = 0; part < BlockOutputs / TOps.Width; part++)
        {
            switch (rows)
            {
                case 1:
                    QuantizedTileBody<TOps, TInt, TFloat, OneRow>.Run(tile, part);
                    break;
                case 2:
                    QuantizedTileBody<TOps, TInt, TFloat, TwoRows>.Run(tile, part);
                    break;
                case 3:
                    QuantizedTileBody<TOps, TInt, TFloat, ThreeRows>.Run(tile, part);
                    break;
                case 4:
                    QuantizedTileBody<TOps, TInt, TFloat, FourRows>.Run(tile, part);
                    break;
                default:
                    QuantizedTileBody<TOps, TInt, TFloat, EightRows>.Run(tile, part);
                    break;
            }
        }

        tile->Activations += (nint)rows * step->Inputs;
        tile->Parameters += (nint)rows * tile->Groups * 2;
        // The streams are in the caches from now on.
        tile->Ahead = 0;
    }

    private static void Store(QuantizedLinearStep* step, float* sums, int unit, int row, int rows)
    {
        var start = unit * 2 * BlockOutputs;
        var count = Math.Min(2 * BlockOutputs, step->Outputs - start);
        for (var r = 0; r < rows; r++, sums += 2 * BlockOutputs)
            new ReadOnlySpan<float>(sums, count).CopyTo(new Span<float>(step->Output + ((long)(row + r) * step->Outputs) + start, count));
    }

    private static void StorePlanes(QuantizedLinearStep* step, float* sums, int block, int row, int rows)
    {
        for (var r = 0; r < rows; r++, sums += 2 * BlockOutputs)
            StoreBlock(step, Planes(sums), block, row + r);
    }

    private static void StoreGated(QuantizedLinearStep* step, float* sums, int block, int row, int rows)
    {
        for (var r = 0; r < rows; r++, sums += 2 * BlockOutputs)
            StoreBlock(step, GatedActivation.Apply(Vector512.Load(sums), Vector512.Load(sums + BlockOutputs)), block, row + r);
    }

    private static void StoreGatedPlanes(QuantizedLinearStep* step, float* gates, float* ups, int block, int row, int rows)
    {
        for (var r = 0; r < rows; r++, gates += 2 * BlockOutputs, ups += 2 * BlockOutputs)
            StoreBlock(step, GatedActivation.Apply(Planes(gates), Planes(ups)), block, row + r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Planes(float* sums) => Vector512.Load(sums) + Vector512.Load(sums + BlockOutputs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBlock(QuantizedLinearStep* step, Vector512<float> values, int block, int row)
    {
        var start = block * BlockOutputs;
        var output = step->Output + ((long)row * step->Columns) + start;
        if (start + BlockOutputs <= step->Columns)
        {
            values.Store(output);
            return;
        }

        for (var i = 0; start + i < step->Columns; i++)
            output[i] = values[i];
    }
}
