using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>fp32 weights as MatMul reads them: [inputs, outputs], the transpose of the checkpoint's.</summary>
/// <param name="rounding">
/// Rounds the weights to 4 bits before they are stored in fp32: what a precision costs is then the weights' part alone. Null leaves them
/// as they are.
/// </param>
internal sealed class Float32Format(GroupRounding? rounding = null) : LinearFormat
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
        var group = rounding?.GroupOf(tensors, linear) ?? 0;
        var columns = Math.Clamp(ChunkBytes / sizeof(float) / linear.Outputs, 1, 256);
        graph.Fill(
            (data, options) =>
            {
                var rounded = rounding is null ? null : Round(rounding, tensors, linear, group, options);
                ForChunks(linear.Inputs, columns, options, (first, count) =>
                {
                    var transposed = ArrayPool<float>.Shared.Rent(count * linear.Outputs);
                    Transpose(tensors, linear, rounded, first, count, transposed);
                    weight.Write(data, (long)first * linear.Outputs * sizeof(float),
                        MemoryMarshal.AsBytes(transposed.AsSpan(0, count * linear.Outputs)));
                    ArrayPool<float>.Shared.Return(transposed);
                });
            },
            weight);
        return graph.Node(linear.Name, "MatMul", "", [input, weight.Name]);
    }

    /// <summary>The whole linear, rounded and widened again [outputs, inputs].</summary>
    private static float[] Round(
        GroupRounding rounding, CheckpointTensors tensors, LinearWeights linear, int group, ParallelOptions options)
    {
        var round = rounding.Prepare(tensors, linear, group, options);
        var rounded = new float[checked(linear.Outputs * linear.Inputs)];
        if (rounding.StaysAtBytes(tensors, linear))
        {
            Parallel.For(0, linear.Outputs, options,
                row => RoundToBytes(tensors, linear, row, rounded.AsSpan(row * linear.Inputs, linear.Inputs)));
            return rounded;
        }

        Parallel.For(0, linear.Outputs, options, row =>
        {
            var weights = rounded.AsSpan(row * linear.Inputs, linear.Inputs);
            Span<byte> codes = new byte[linear.Inputs / 2];
            Span<float> scales = new float[linear.Inputs / group];
            Span<float> offsets = new float[linear.Inputs / group];
            linear.Read(tensors, row, 0, weights);
            round(row, weights, codes, scales, offsets);
            for (var i = 0; i < weights.Length; i++)
                weights[i] = AffineQuantizer.Weight(codes, scales, offsets, group, i);
        });
        return rounded;
    }

    private static void RoundToBytes(CheckpointTensors tensors, LinearWeights linear, int row, Span<float> weights)
    {
        var group = ByteRounding.GroupOf(tensors, linear, PlainRounding.DefaultGroup);
        Span<byte> codes = new byte[linear.Inputs];
        Span<Half> scales = new Half[linear.Inputs / group];
        ByteRounding.Round(tensors, linear, row, group, weights, codes, scales);
        ByteRounding.Widen(codes, scales, group, weights);
    }

    /// <summary>Transposes columns [first, first + count) of the checkpoint's matrix, in tiles that stay in the first cache.</summary>
    private static void Transpose(
        CheckpointTensors tensors, LinearWeights linear, float[]? rounded, int first, int count, Span<float> transposed)
    {
        Span<float> values = new float[count];
        Span<float> tile = new float[TileRows * count];
        for (var row = 0; row < linear.Outputs; row += TileRows)
        {
            var rows = Math.Min(TileRows, linear.Outputs - row);
            for (var r = 0; r < rows; r++)
            {
                if (rounded is null)
                    linear.Read(tensors, row + r, first, values);
                else
                    rounded.AsSpan(((row + r) * linear.Inputs) + first, count).CopyTo(values);
                for (var k = 0; k < values.Length; k++)
                    tile[(k * TileRows) + r] = values[k];
            }

            for (var k = 0; k < count; k++)
                tile.Slice(k * TileRows, rows).CopyTo(transposed[((k * linear.Outputs) + row)..]);
        }
    }
}
