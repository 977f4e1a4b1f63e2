using System.Buffers;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Weights of 8 bits with a scale per block of inputs on ONNX Runtime's MatMulNBits.</summary>
internal sealed class OrtInt8Format(int blockMax, int accuracyLevel = BlockLayout.Int8Activations) : LinearFormat
{
    private const int Bits = 8;

    protected override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var (codes, scales, layout) = Plan(graph, tensors, linear);
        return layout.Multiply(graph, linear, input, codes, scales, linear.Name);
    }

    /// <summary>Plans codes and scales, and the work that fills them.</summary>
    /// <exception cref="InvalidDataException">No block divides the inputs.</exception>
    public (TensorTarget Codes, TensorTarget Scales, BlockLayout Layout) Plan(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear)
    {
        var layout = new BlockLayout(Bits, BlockLayout.RequireBlock(linear, blockMax), accuracyLevel);
        var (codes, scales) = layout.Reserve(graph, linear);
        var type = graph.Activations;
        graph.Fill((data, options) => Fill(tensors, linear, layout.Block, type, codes, scales, data, options), codes, scales);
        return (codes, scales, layout);
    }

    private static void Fill(
        CheckpointTensors tensors, LinearWeights linear, int block, ElementType type, TensorTarget codes,
            TensorTarget scales, DataFile data, ParallelOptions options)
    {
        var blocks = linear.Inputs / block;
        ForChunks(linear.Outputs, Math.Clamp(ChunkBytes / sizeof(float) / linear.Inputs, 1, 1024), options, (first, count) =>
        {
            Span<float> row = new float[linear.Inputs];
            var codeBuffer = ArrayPool<byte>.Shared.Rent(count * linear.Inputs);
            var scaleBuffer = ArrayPool<float>.Shared.Rent(count * blocks);
            for (var r = 0; r < count; r++)
            {
                linear.Read(tensors, first + r, 0, row);
                SymmetricQuantizer.Quantize(
                    row, block, codeBuffer.AsSpan(r * linear.Inputs, linear.Inputs), scaleBuffer.AsSpan(r * blocks, blocks));
            }

            codes.Write(data, (long)first * linear.Inputs, codeBuffer.AsSpan(0, count * linear.Inputs));
            type.Write(data, scales, (long)first * blocks, scaleBuffer.AsSpan(0, count * blocks));
            ArrayPool<byte>.Shared.Return(codeBuffer);
            ArrayPool<float>.Shared.Return(scaleBuffer);
        });
    }
}
