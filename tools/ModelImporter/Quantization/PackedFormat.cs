using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Quantization;

/// <summary>Weights in the layout that our own operator reads in place; how many bits they have is the derived class's affair.</summary>
internal abstract class PackedFormat : LinearFormat
{
    /// <summary>Outputs of a block.</summary>
    protected const int Lanes = QuantizedLinearLayout.BlockOutputs;

    private const int ChunkBlocks = 16;

    /// <inheritdoc />
    /// <remarks>One node where the norm is a root mean square: the operator normalises on the way to its own rounding of the
    /// rows.</remarks>
    public override (string Output, string Residual) Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, LinearInput input)
    {
        if (input.Norm is not { IsRootMeanSquare: true } norm)
            return base.Emit(graph, tensors, linear, input);
        var (product, residual) = MultiplyNormalized(graph, tensors, linear, norm, input.Stream, gated: false);
        return (AddBias(graph, tensors, linear, product), residual);
    }

    public override bool CanGate(CheckpointTensors tensors, LinearWeights linear, Activation activation) =>
        activation == Activation.Silu && PackedMatrix.CanGate(linear);

    public override (string Output, string Residual) EmitGated(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, LinearInput input)
    {
        if (input.Norm is { IsRootMeanSquare: true } norm)
            return MultiplyNormalized(graph, tensors, linear, norm, input.Stream, gated: true);
        var (value, residual) = input.Emit(graph, linear.Name);
        var (matrix, codes, halves) = Plan(graph, tensors, linear);
        return (matrix.Multiply(graph, value, codes, halves, linear.Name, gated: true), residual);
    }

    /// <summary>Plans codes and scales, and the work that fills them.</summary>
    /// <exception cref="InvalidDataException">No group divides the inputs.</exception>
    public (PackedMatrix Matrix, TensorTarget Codes, TensorTarget Halves) Plan(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear)
    {
        var matrix = Describe(tensors, linear);
        var (codes, halves) = matrix.Reserve(graph);
        graph.Fill(
            (data, options) =>
            {
                var fill = Prepare(tensors, matrix, codes, halves, data, options);
                ForChunks(matrix.Blocks, ChunkBlocks, options, (first, count) =>
                {
                    for (var block = first; block < first + count; block++)
                        fill(block);
                });
            },
            codes,
            halves);
        return (matrix, codes, halves);
    }

    protected override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var (matrix, codes, halves) = Plan(graph, tensors, linear);
        return matrix.Multiply(graph, input, codes, halves, linear.Name);
    }

    private (string Product, string Residual) MultiplyNormalized(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, NormEmitter norm, ResidualStream stream, bool gated)
    {
        var weight = norm.ReserveWeight();
        var (matrix, codes, halves) = Plan(graph, tensors, linear);
        return matrix.MultiplyNormalized(graph, norm, weight, stream, codes, halves, gated);
    }

    /// <summary>Bits and groups of a linear.</summary>
    public abstract PackedMatrix Describe(CheckpointTensors tensors, LinearWeights linear);

    /// <summary>Gets ready for a linear, when its fill runs.</summary>
    /// <returns>Rounds and packs the outputs of one block; called from any thread.</returns>
    public abstract Action<int> Prepare(
        CheckpointTensors tensors, PackedMatrix matrix, TensorTarget codes, TensorTarget halves, DataFile data, ParallelOptions options);
}
