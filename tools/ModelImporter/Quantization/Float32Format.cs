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
    public override ExpertFormat Experts => new Float32Experts(rounding);

    /// <remarks>What 4 bits cost is asked for; these stay at 8.</remarks>
    public override PerHeadFormat PerHead => new Float32PerHead();

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
        graph.Fill(
            (data, options) => TransposedMatrix.Write(
                linear, weight, data, options, matrices is null
                    ? (int row, Span<float> values) => linear.Read(tensors, row, 0, values)
                    : Round(rounding!, tensors, matrices, options)),
            weight);
        return graph.Node(linear.Name, "MatMul", "", [input, weight.Name]);
    }

    /// <summary>Reads rows as they are when rounded and widened again.</summary>
    private static TransposedMatrix.RowReader<float> Round(
        PackedFormat rounding, CheckpointTensors tensors, IReadOnlyList<PackedMatrix> matrices, ParallelOptions options)
    {
        var coders = matrices.Select(matrix => rounding.Coder(tensors, matrix, options)).ToArray();
        return (row, weights) =>
        {
            var i = 0;
            for (; row >= matrices[i].Linear.Outputs; i++)
                row -= matrices[i].Linear.Outputs;
            matrices[i].Widen(coders[i], row, weights);
        };
    }
}
