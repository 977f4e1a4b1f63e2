using System.Buffers;
using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Weights of 8 bits with a scale per block of inputs on ONNX Runtime's MatMulNBits.</summary>
/// <param name="blockMax">Largest number of weights per scale.</param>
/// <param name="accuracyLevel">How exact the kernel's own activations are.</param>
/// <param name="kept">Reads what a file has rounded already. Default: null, and everything is rounded here.</param>
internal sealed class OrtInt8Format(int blockMax, int accuracyLevel = BlockLayout.Int8Activations, Int8Format? kept = null) : LinearFormat
{
    private const int Bits = 8;

    protected internal override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var (codes, scales, layout) = Plan(graph, tensors, linear);
        return layout.Multiply(graph, linear, input, codes, scales, linear.Name);
    }

    /// <summary>Plans codes and scales, and the work that fills them.</summary>
    /// <exception cref="InvalidDataException">No block divides the inputs.</exception>
    public (TensorTarget Codes, TensorTarget Scales, BlockLayout Layout) Plan(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear)
    {
        var matrix = kept?.Split(tensors, linear) is [{ IsKept: true } only] ? only : null;
        var layout = new BlockLayout(Bits, matrix?.Grid.Group ?? BlockLayout.RequireBlock(linear, blockMax), accuracyLevel);
        var (codes, scales) = layout.Reserve(graph, linear);
        var type = graph.Activations;
        graph.Fill(
            (data, options) =>
            {
                var coder = matrix is null ? null : kept!.Coder(tensors, matrix, options);
                Fill(tensors, linear, coder, layout.Block, type, codes, scales, data, options);
            },
            codes,
            scales);
        return (codes, scales, layout);
    }

    private static void Fill(
        CheckpointTensors tensors, LinearWeights linear, RowCoder? coder, int block, ElementType type, TensorTarget codes,
            TensorTarget scales, DataFile data, ParallelOptions options)
    {
        var blocks = linear.Inputs / block;
        ForChunks(linear.Outputs, Math.Clamp(ChunkBytes / sizeof(float) / linear.Inputs, 1, 1024), options, (first, count) =>
        {
            Span<float> row = new float[linear.Inputs];
            Span<Half> halves = new Half[blocks];
            var codeBuffer = ArrayPool<byte>.Shared.Rent(count * linear.Inputs);
            var scaleBuffer = ArrayPool<float>.Shared.Rent(count * blocks);
            for (var r = 0; r < count; r++)
            {
                var rowCodes = codeBuffer.AsSpan(r * linear.Inputs, linear.Inputs);
                var rowScales = scaleBuffer.AsSpan(r * blocks, blocks);
                if (coder is not null)
                {
                    coder(first + r, rowCodes, halves, []);
                    TensorPrimitives.ConvertToSingle(halves, rowScales);
                    continue;
                }

                linear.Read(tensors, first + r, 0, row);
                SymmetricQuantizer.Quantize(row, block, rowCodes, rowScales);
            }

            codes.Write(data, (long)first * linear.Inputs, codeBuffer.AsSpan(0, count * linear.Inputs));
            type.Write(data, scales, (long)first * blocks, scaleBuffer.AsSpan(0, count * blocks));
            ArrayPool<byte>.Shared.Return(codeBuffer);
            ArrayPool<float>.Shared.Return(scaleBuffer);
        });
    }
}
