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
    protected override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var weight = graph.Reserve(
            $"{linear.Name}.weight",
            TensorProto.Types.DataType.Float,
            (long)linear.Inputs * linear.Outputs * sizeof(float),
            linear.Inputs,
            linear.Outputs);
        var group = rounding?.GroupOf(tensors, linear) ?? 0;
        graph.Fill(
            (data, options) => TransposedMatrix.Write(
                linear, weight, data, options, rounding is null
                    ? (int row, Span<float> values) => linear.Read(tensors, row, 0, values)
                    : Round(rounding, tensors, linear, group, options)),
            weight);
        return graph.Node(linear.Name, "MatMul", "", [input, weight.Name]);
    }

    /// <summary>Reads rows as they are when rounded and widened again.</summary>
    private static TransposedMatrix.RowReader<float> Round(
        GroupRounding rounding, CheckpointTensors tensors, LinearWeights linear, int group, ParallelOptions options)
    {
        var round = rounding.Prepare(tensors, linear, group, options);
        if (rounding.StaysAtBytes(tensors, linear))
            return (row, weights) => RoundToBytes(tensors, linear, row, weights);
        return (row, weights) =>
        {
            Span<byte> codes = new byte[linear.Inputs / 2];
            Span<float> scales = new float[linear.Inputs / group];
            Span<float> offsets = new float[linear.Inputs / group];
            linear.Read(tensors, row, 0, weights);
            round(row, weights, codes, scales, offsets);
            for (var i = 0; i < weights.Length; i++)
                weights[i] = AffineQuantizer.Weight(codes, scales, offsets, group, i);
        };
    }

    private static void RoundToBytes(CheckpointTensors tensors, LinearWeights linear, int row, Span<float> weights)
    {
        var group = ByteRounding.GroupOf(tensors, linear, PlainRounding.DefaultGroup);
        Span<byte> codes = new byte[linear.Inputs];
        Span<Half> scales = new Half[linear.Inputs / group];
        ByteRounding.Round(tensors, linear, row, group, weights, codes, scales);
        ByteRounding.Widen(codes, scales, group, weights);
    }
}
