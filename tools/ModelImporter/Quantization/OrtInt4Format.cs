using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights of 4 bits with a scale and an offset per block of inputs on ONNX Runtime's operators: MatMulNBits for the scaled codes, and for
/// the offsets one small product of the sums of the blocks' inputs, Σ x · offset = offset · Σ x. The partner of <see cref="Int4Format"/>
/// in tests and measurements.
/// </summary>
internal sealed class OrtInt4Format(GroupRounding rounding) : LinearFormat
{
    private const int Bits = 4;
    private readonly HashSet<string> _constants = [];

    protected override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var name = linear.Name;
        var layout = new BlockLayout(Bits, rounding.GroupOf(tensors, linear));
        var block = layout.Block;
        var blocks = linear.Inputs / block;
        var (codes, scales) = layout.Reserve(graph, linear);
        var offsets = graph.Reserve($"{name}.offset", DataType.Float,
            (long)linear.Outputs * blocks * sizeof(float), blocks, linear.Outputs);
        graph.Fill((data, options) => Fill(tensors, linear, block, (codes, scales, offsets), data, options), codes, scales, offsets);

        var product = layout.Multiply(graph, linear, input, codes, scales, $"{name}.product");
        var shape = $"quantize.blocks.{blocks}x{block}";
        if (_constants.Add(shape))
            graph.Constant<long>(shape, DataType.Int64, [0, blocks, block], 3);
        if (_constants.Add("quantize.last"))
            graph.Constant<long>("quantize.last", DataType.Int64, [-1], 1);
        var blocked = graph.Node($"{name}.blocked", "Reshape", "", [input, shape]);
        var sums = graph.Node($"{name}.sums", "ReduceSum", "", [blocked, "quantize.last"], ("keepdims", 0));
        var offset = graph.Node($"{name}.correction", "MatMul", "", [sums, offsets.Name]);
        return graph.Node(name, "Add", "", [product, offset]);
    }

    private void Fill(
        CheckpointTensors tensors,
        LinearWeights linear,
        int block,
        (TensorTarget Codes, TensorTarget Scales, TensorTarget Offsets) targets,
        DataFile data,
        ParallelOptions options)
    {
        var blocks = linear.Inputs / block;
        var rowBytes = linear.Inputs / 2;
        var round = rounding.Prepare(tensors, linear, block, options);
        // Offsets go out transposed, as MatMul reads them: a thirty-second of the weights, so whole in memory.
        var offsets = new float[(long)blocks * linear.Outputs];
        ForChunks(linear.Outputs, Math.Clamp(ChunkBytes / sizeof(float) / linear.Inputs, 1, 1024), options, (first, count) =>
        {
            Span<float> row = new float[linear.Inputs];
            Span<float> rowOffsets = new float[blocks];
            var codeBuffer = ArrayPool<byte>.Shared.Rent(count * rowBytes);
            var scaleBuffer = ArrayPool<float>.Shared.Rent(count * blocks);
            for (var r = 0; r < count; r++)
            {
                if (!rounding.TakesOver(tensors, linear, first + r))
                    linear.Read(tensors, first + r, 0, row);
                round(first + r, row, codeBuffer.AsSpan(r * rowBytes, rowBytes),
                    scaleBuffer.AsSpan(r * blocks, blocks), rowOffsets);
                for (var b = 0; b < blocks; b++)
                    offsets[((long)b * linear.Outputs) + first + r] = rowOffsets[b];
            }

            targets.Codes.Write(data, (long)first * rowBytes, codeBuffer.AsSpan(0, count * rowBytes));
            targets.Scales.Write(data, (long)first * blocks * sizeof(float), MemoryMarshal.AsBytes(scaleBuffer.AsSpan(0, count * blocks)));
            ArrayPool<byte>.Shared.Return(codeBuffer);
            ArrayPool<float>.Shared.Return(scaleBuffer);
        });
        for (var b = 0; b < blocks; b++)
        {
            targets.Offsets.Write(
                data, (long)b * linear.Outputs * sizeof(float), MemoryMarshal.AsBytes(offsets.AsSpan(b * linear.Outputs, linear.Outputs)));
        }
    }
}
