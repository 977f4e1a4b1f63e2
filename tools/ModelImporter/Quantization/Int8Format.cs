using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights of 8 bits with a scale per group of inputs, as two planes of nibbles in the layout that our own operator reads in place.
/// </summary>
internal sealed class Int8Format(int blockMax) : LinearFormat
{
    private const int Bits = 8;
    private const int Lanes = QuantizedLinearLayout.BlockOutputs;

    public override string EmitGated(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        if (!PackedMatrix.CanGate(linear))
            return base.EmitGated(graph, tensors, linear, input);
        var (matrix, codes, halves) = Plan(graph, tensors, linear);
        return matrix.MultiplyGated(graph, input, codes, halves, linear.Name);
    }

    protected override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var (matrix, codes, halves) = Plan(graph, tensors, linear);
        return matrix.Multiply(graph, input, codes, halves, linear.Name);
    }

    /// <summary>Plans codes and scales, and the work that fills them.</summary>
    /// <exception cref="InvalidDataException">No group divides the inputs.</exception>
    public (PackedMatrix Matrix, TensorTarget Codes, TensorTarget Halves) Plan(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear)
    {
        var matrix = new PackedMatrix(linear, Bits, BlockLayout.RequireBlock(linear, blockMax), minima: false);
        var (codes, halves) = matrix.Reserve(graph);
        graph.Fill(
            (data, options) => ForChunks(matrix.Blocks, 16, options, (first, count) =>
            {
                for (var block = first; block < first + count; block++)
                    Fill(tensors, matrix, block, codes, halves, data);
            }),
            codes,
            halves);
        return (matrix, codes, halves);
    }

    /// <summary>Rounds and packs the outputs of one block.</summary>
    private static void Fill(
        CheckpointTensors tensors, PackedMatrix matrix, int block, TensorTarget codes, TensorTarget halves, DataFile data)
    {
        var linear = matrix.Linear;
        Span<float> row = new float[linear.Inputs];
        Span<byte> rowCodes = new byte[linear.Inputs];
        Span<byte> nibbles = new byte[linear.Inputs];
        Span<Half> scales = new Half[linear.Inputs / matrix.Group];
        Span<byte> high = new byte[matrix.BlockBytes];
        Span<byte> low = new byte[matrix.BlockBytes];
        Span<Half> blockHalves = new Half[matrix.BlockHalves];
        for (var lane = 0; lane < Lanes && (block * Lanes) + lane < linear.Outputs; lane++)
        {
            linear.Read(tensors, (block * Lanes) + lane, 0, row);
            SymmetricQuantizer.Quantize(row, matrix.Group, rowCodes, scales);
            for (var i = 0; i < nibbles.Length; i++)
                nibbles[i] = (byte)(rowCodes[i] >> 4);
            QuantizedLinearLayout.Pack(nibbles, lane, high);
            for (var i = 0; i < nibbles.Length; i++)
                nibbles[i] = (byte)(rowCodes[i] & 15);
            QuantizedLinearLayout.Pack(nibbles, lane, low);
            for (var g = 0; g < scales.Length; g++)
                blockHalves[(g * Lanes) + lane] = scales[g];
        }

        codes.Write(data, block * matrix.BlockBytes, high);
        codes.Write(data, (matrix.Blocks + block) * matrix.BlockBytes, low);
        halves.Write(data, (long)block * matrix.BlockHalves * sizeof(ushort), MemoryMarshal.AsBytes(blockHalves));
    }
}
