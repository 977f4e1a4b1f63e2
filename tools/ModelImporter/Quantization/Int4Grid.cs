using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Which blocks a linear of 4 bits takes: a checkpoint that was Q4_0 or Q4_1 once is taken over on its own grid, because rounding a
/// second time costs more than everything else together.
/// </summary>
internal static class Int4Grid
{
    private const int SmallestBlock = 32;
    private const int SampledRows = 16;

    /// <summary>
    /// Rounding to another grid loses some 0.5 % of the squares, finding the own one almost nothing but the rounding to bf16.
    /// </summary>
    private const double GridErrorMax = 1e-4;

    /// <summary>The largest block that divides the inputs, but 32 for weights that come from blocks of 32.</summary>
    public static int BlockFor(CheckpointTensors tensors, LinearWeights linear, int blockMax)
    {
        var block = BlockLayout.RequireBlock(linear, blockMax);
        return block > SmallestBlock && linear.Parts.All(part => tensors.Contains(part.Weight)) && IsOnGrid(tensors, linear)
            ? SmallestBlock : block;
    }

    private static bool IsOnGrid(CheckpointTensors tensors, LinearWeights linear)
    {
        Span<float> row = new float[linear.Inputs];
        Span<float> scales = new float[linear.Inputs / SmallestBlock];
        Span<float> offsets = new float[linear.Inputs / SmallestBlock];
        Span<byte> codes = new byte[linear.Inputs / 2];
        var (squares, errors) = (0.0, 0.0);
        for (var sample = 0; sample < SampledRows; sample++)
        {
            linear.Read(tensors, (int)((long)sample * linear.Outputs / SampledRows), 0, row);
            AffineQuantizer.Quantize(row, SmallestBlock, codes, scales, offsets);
            for (var i = 0; i < row.Length; i++)
            {
                var error = row[i] - AffineQuantizer.Weight(codes, scales, offsets, SmallestBlock, i);
                errors += error * error;
                squares += row[i] * row[i];
            }
        }

        return squares > 0 && errors < GridErrorMax * squares;
    }
}
