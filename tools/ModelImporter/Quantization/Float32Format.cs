using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>fp32 weights as MatMul reads them: [inputs, outputs], the transpose of the checkpoint's.</summary>
/// <param name="rounding">
/// Rounds the weights before they are stored in fp32: what a precision costs is then the weights' part alone. Null leaves them
/// as they are.
/// </param>
internal sealed class Float32Format(PackedFormat? rounding = null) : LinearFormat
{
    private const int TileRows = 16;

    protected internal override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var weight = graph.Reserve(
            $"{linear.Name}.weight",
            TensorProto.Types.DataType.Float,
            (long)linear.Inputs * linear.Outputs * sizeof(float),
            linear.Inputs,
            linear.Outputs);
        // Planned before any fill runs, as the package itself would be.
        var matrices = rounding?.Split(tensors, linear);
        var columns = Math.Clamp(ChunkBytes / sizeof(float) / linear.Outputs, 1, 256);
        graph.Fill(
            (data, options) =>
            {
                var rounded = matrices is null ? null : Round(rounding!, tensors, linear, matrices, options);
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
        PackedFormat rounding, CheckpointTensors tensors, LinearWeights linear, IReadOnlyList<PackedMatrix> matrices,
        ParallelOptions options)
    {
        var rounded = new float[checked(linear.Outputs * linear.Inputs)];
        var first = 0;
        foreach (var matrix in matrices)
        {
            var (start, coder) = (first, rounding.Coder(tensors, matrix, options));
            Parallel.For(0, matrix.Linear.Outputs, options,
                row => matrix.Widen(coder, row, rounded.AsSpan((start + row) * linear.Inputs, linear.Inputs)));
            first += matrix.Linear.Outputs;
        }

        return rounded;
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
