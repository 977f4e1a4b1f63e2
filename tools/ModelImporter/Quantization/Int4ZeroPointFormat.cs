using System.Buffers;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>Weights of 4 bits with a scale and a whole zero point per block (MatMulNBits), for activations of 16 bits on CUDA.</summary>
internal sealed class Int4ZeroPointFormat(int blockMax) : LinearFormat
{
    private const int Bits = 4;

    public override ExpertFormat Experts => new QMoeExperts(blockMax);

    protected internal override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var layout = new BlockLayout(Bits, BlockLayout.RequireBlock(linear, blockMax), BlockLayout.ActivationsAsTheyAre);
        var (codes, scales) = layout.Reserve(graph, linear);
        var zeroBytes = ZeroBytes(linear, layout.Block);
        var zeroPoints = graph.Reserve(
            $"{linear.Name}.zero_point", DataType.Uint8, (long)linear.Outputs * zeroBytes, linear.Outputs, zeroBytes);
        var type = graph.Activations;
        graph.Fill(
            (data, options) => Fill(tensors, linear, layout.Block, type, (codes, scales, zeroPoints), data, options),
            codes, scales, zeroPoints);
        return layout.Multiply(graph, linear, input, codes, scales, linear.Name, zeroPoints);
    }

    private static int ZeroBytes(LinearWeights linear, int block) => ((linear.Inputs / block) + 1) / 2;

    private static void Fill(
        CheckpointTensors tensors,
        LinearWeights linear,
        int block,
        ElementType type,
        (TensorTarget Codes, TensorTarget Scales, TensorTarget ZeroPoints) targets,
        DataFile data,
        ParallelOptions options)
    {
        var blocks = linear.Inputs / block;
        var (rowBytes, zeroBytes) = (linear.Inputs / 2, ZeroBytes(linear, block));
        ForChunks(linear.Outputs, Math.Clamp(ChunkBytes / sizeof(float) / linear.Inputs, 1, 1024), options, (first, count) =>
        {
            Span<float> row = new float[linear.Inputs];
            var codes = ArrayPool<byte>.Shared.Rent(count * rowBytes);
            var scales = ArrayPool<float>.Shared.Rent(count * blocks);
            var zeroPoints = ArrayPool<byte>.Shared.Rent(count * zeroBytes);
            for (var r = 0; r < count; r++)
            {
                linear.Read(tensors, first + r, 0, row);
                ZeroPointQuantizer.Quantize(
                    row, block, codes.AsSpan(r * rowBytes, rowBytes), scales.AsSpan(r * blocks, blocks),
                    zeroPoints.AsSpan(r * zeroBytes, zeroBytes), type.Round);
            }

            targets.Codes.Write(data, (long)first * rowBytes, codes.AsSpan(0, count * rowBytes));
            type.Write(data, targets.Scales, (long)first * blocks, scales.AsSpan(0, count * blocks));
            targets.ZeroPoints.Write(data, (long)first * zeroBytes, zeroPoints.AsSpan(0, count * zeroBytes));
            ArrayPool<byte>.Shared.Return(codes);
            ArrayPool<float>.Shared.Return(scales);
            ArrayPool<byte>.Shared.Return(zeroPoints);
        });
    }
}
