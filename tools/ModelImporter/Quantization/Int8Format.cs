using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights of 8 bits with a scale per group of inputs, as two planes of nibbles in the layout that our own operator reads in place.
/// </summary>
internal sealed class Int8Format(int blockMax) : PackedFormat
{
    private const int Bits = 8;

    public override PackedMatrix Describe(CheckpointTensors tensors, LinearWeights linear) =>
        new(linear, Bits, ByteRounding.GroupOf(tensors, linear, blockMax), minima: false);

    public override Action<int> Prepare(
        CheckpointTensors tensors, PackedMatrix matrix, TensorTarget codes, TensorTarget halves, DataFile data, ParallelOptions options) =>
        block => Fill(tensors, matrix, block, codes, halves, data);

    /// <summary>Rounds and packs the outputs of one block.</summary>
    private static void Fill(
        CheckpointTensors tensors, PackedMatrix matrix, int block, TensorTarget codes, TensorTarget halves, DataFile data)
    {
        var linear = matrix.Linear;
        Span<float> row = new float[linear.Inputs];
        Span<byte> rowCodes = new byte[linear.Inputs];
        Span<Half> scales = new Half[linear.Inputs / matrix.Group];
        Span<byte> high = new byte[matrix.BlockBytes];
        Span<byte> low = new byte[matrix.BlockBytes];
        Span<Half> blockHalves = new Half[matrix.BlockHalves];
        for (var lane = 0; lane < Lanes && (block * Lanes) + lane < linear.Outputs; lane++)
        {
            ByteRounding.Round(tensors, linear, (block * Lanes) + lane, matrix.Group, row, rowCodes, scales);
            QuantizedLinearLayout.PackBytes(rowCodes, lane, high, low);
            for (var g = 0; g < scales.Length; g++)
                blockHalves[(g * Lanes) + lane] = scales[g];
        }

        codes.Write(data, block * matrix.BlockBytes, high);
        codes.Write(data, (matrix.Blocks + block) * matrix.BlockBytes, low);
        halves.Write(data, (long)block * matrix.BlockHalves * sizeof(ushort), MemoryMarshal.AsBytes(blockHalves));
    }
}
