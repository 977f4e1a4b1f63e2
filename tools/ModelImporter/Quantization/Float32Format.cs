using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>fp32 weights as MatMul reads them: [inputs, outputs], the transpose of the checkpoint's.</summary>
internal sealed class Float32Format : LinearFormat
{
    private const int TileRows = 16;

    protected override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var weight = graph.Reserve(
            $"{linear.Name}.weight",
            TensorProto.Types.DataType.Float,
            (long)linear.Inputs * linear.Outputs * sizeof(float),
            linear.Inputs,
            linear.Outputs);
        var columns = Math.Clamp(ChunkBytes / sizeof(float) / linear.Outputs, 1, 256);
        graph.Fill(
            (data, options) => ForChunks(linear.Inputs, columns, options, (first, count) =>
            {
                var transposed = ArrayPool<float>.Shared.Rent(count * linear.Outputs);
                Transpose(tensors, linear, first, count, transposed);
                weight.Write(data, (long)first * linear.Outputs * sizeof(float),
                    MemoryMarshal.AsBytes(transposed.AsSpan(0, count * linear.Outputs)));
                ArrayPool<float>.Shared.Return(transposed);
            }),
            weight);
        return graph.Node(linear.Name, "MatMul", "", [input, weight.Name]);
    }

    /// <summary>Transposes columns [first, first + count) of the checkpoint's matrix, in tiles that stay in the first cache.</summary>
    private static void Transpose(CheckpointTensors tensors, LinearWeights linear, int first, int count, Span<float> transposed)
    {
        Span<float> values = new float[count];
        Span<float> tile = new float[TileRows * count];
        for (var row = 0; row < linear.Outputs; row += TileRows)
        {
            var rows = Math.Min(TileRows, linear.Outputs - row);
            for (var r = 0; r < rows; r++)
            {
                linear.Read(tensors, row + r, first, values);
                for (var k = 0; k < values.Length; k++)
                    tile[(k * TileRows) + r] = values[k];
            }

            for (var k = 0; k < count; k++)
                tile.Slice(k * TileRows, rows).CopyTo(transposed[((k * linear.Outputs) + row)..]);
        }
    }
}
