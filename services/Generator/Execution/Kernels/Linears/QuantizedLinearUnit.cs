using System.Runtime.CompilerServices;
using Parley.ModelImporter.Package;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>A unit of a linear: two streams of weights with all rows, for one instruction set.</summary>
internal static unsafe class QuantizedLinearUnit<TOps, TInt, TFloat>
    where TOps : struct, IQuantizedOps<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
{
    private const int BlockOutputs = QuantizedLinearLayout.BlockOutputs;

    /// <summary>2^112: the distance of the exponents of a half and a float.</summary>
    private const float HalfFactor = 5.192296858534828e33f;

    /// <summary>An L1 cache holds more than the streams' start; beyond this distance lines would be evicted before they are used.</summary>
    private const int AheadMax = 16 * 1024;

    /// <summary>Runs one unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(QuantizedLinearStep* step, nint unit)
    {
        var tile = default(QuantizedTile);
        tile.HasMinima = step->HasMinima;
        tile.Groups = step->Groups;
        tile.GroupRuns = step->Group / 32;
        var first = step->Planes == 2 ? (int)unit : (int)unit * 2;
        SetStreams(step, first, ref tile);

        var space = stackalloc float[(2 * BlockOutputs * 4) + 16];
        tile.Sums = (float*)(((nuint)space + 63) & ~(nuint)63);
        tile.Activations = step->Activations;
        tile.Parameters = step->Parameters;
        for (var row = 0; row < step->Rows; row += TOps.TileRows)
        {
            var rows = Math.Min(TOps.TileRows, step->Rows - row);
            new Span<float>(tile.Sums, rows * 2 * BlockOutputs).Clear();
            for (var part = 0; part < BlockOutputs / TOps.Width; part++)
                RunTile(&tile, rows, part);
            tile.Activations += (nint)rows * step->Inputs;
            tile.Parameters += (nint)rows * tile.Groups * 2;
            // The streams are in the caches from now on.
            tile.Ahead = 0;
            if (step->Planes == 2)
                AddPlanes(step, &tile, first, row, rows);
            else
                Store(step, &tile, first, row, rows);
        }
    }

    private static void SetStreams(QuantizedLinearStep* step, int first, ref QuantizedTile tile)
    {
        var blockBytes = QuantizedLinearLayout.BlockBytes(step->Inputs);
        var blockHalves = QuantizedLinearLayout.BlockScales(step->Inputs, step->Group, step->HasMinima);
        tile.FirstCodes = step->Codes + (first * blockBytes);
        tile.FirstHalves = step->Halves + ((long)first * blockHalves);
        if (step->Planes == 2)
        {
            // 16 · high + low − 128, each plane around its middle, so that the high one alone is an unbiased estimate.
            tile.SecondCodes = tile.FirstCodes + (step->Blocks * blockBytes);
            tile.SecondHalves = tile.FirstHalves;
            tile.FirstFactor = 16 * HalfFactor;
            tile.SecondFactor = HalfFactor;
            tile.FirstMinimum = -120.5f / 16;
            tile.SecondMinimum = -7.5f;
            tile.Ahead = (nint)blockBytes;
            return;
        }

        // A last block without a partner is computed twice and stored once.
        var partner = first + 1 < step->Blocks ? 1 : 0;
        tile.SecondCodes = tile.FirstCodes + (partner * blockBytes);
        tile.SecondHalves = tile.FirstHalves + (partner * (long)blockHalves);
        tile.FirstFactor = tile.SecondFactor = HalfFactor;
        tile.FirstMinimum = tile.SecondMinimum = -8;
        tile.Ahead = (nint)(2 * blockBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunTile(QuantizedTile* tile, int rows, int part)
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
            default:
                QuantizedTileBody<TOps, TInt, TFloat, FourRows>.Run(tile, part);
                break;
        }
    }

    private static void Store(QuantizedLinearStep* step, QuantizedTile* tile, int first, int row, int rows)
    {
        var start = first * BlockOutputs;
        var count = Math.Min(2 * BlockOutputs, step->Outputs - start);
        for (var r = 0; r < rows; r++)
        {
            new ReadOnlySpan<float>(tile->Sums + (r * 2 * BlockOutputs), count)
                .CopyTo(new Span<float>(step->Output + ((long)(row + r) * step->Outputs) + start, count));
        }
    }

    private static void AddPlanes(QuantizedLinearStep* step, QuantizedTile* tile, int block, int row, int rows)
    {
        var start = block * BlockOutputs;
        var count = Math.Min(BlockOutputs, step->Outputs - start);
        for (var r = 0; r < rows; r++)
        {
            var sums = tile->Sums + (r * 2 * BlockOutputs);
            var output = step->Output + ((long)(row + r) * step->Outputs) + start;
            for (var i = 0; i < count; i++)
                output[i] = sums[i] + sums[BlockOutputs + i];
        }
    }
}
