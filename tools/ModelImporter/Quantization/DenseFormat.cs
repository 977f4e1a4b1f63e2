using System.Buffers;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights as the checkpoint lays them out [outputs, inputs], in the type of the activations: Gemm multiplies by the transpose. For CUDA,
/// whose libraries take either order; bf16 checkpoints come over without a loss.
/// </summary>
internal sealed class DenseFormat(ElementType type) : LinearFormat
{
    private const int ChunkElements = ChunkBytes / sizeof(float);

    public override ExpertFormat Experts => new MoeExperts(type);

    /// <summary>Plans a matrix and the work that fills it.</summary>
    public static TensorTarget Plan(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights matrix, ElementType type)
    {
        var weight = type.Reserve(graph, $"{matrix.Name}.weight", matrix.Outputs, matrix.Inputs);
        graph.Fill(
            (data, options) => ForChunks(matrix.Outputs, Math.Max(1, ChunkElements / matrix.Inputs), options, (first, count) =>
            {
                var buffer = ArrayPool<float>.Shared.Rent(count * matrix.Inputs);
                for (var r = 0; r < count; r++)
                    matrix.Read(tensors, first + r, 0, buffer.AsSpan(r * matrix.Inputs, matrix.Inputs));
                type.Write(data, weight, (long)first * matrix.Inputs, buffer.AsSpan(0, count * matrix.Inputs));
                ArrayPool<float>.Shared.Return(buffer);
            }),
            weight);
        return weight;
    }

    protected internal override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var weight = Plan(graph, tensors, linear, type);
        return graph.Node(linear.Name, "Gemm", "", [input, weight.Name], ("transB", 1));
    }
}
