using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Embedding and head as the checkpoint lays them out [vocabulary, hidden]: Gather reads rows, Gemm multiplies by the transpose.
/// </summary>
internal sealed class DenseVocabulary(ElementType type) : VocabularyFormat
{
    private TensorTarget? _embedding;

    public override bool CodesRows => false;

    public override string EmitEmbedding(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights embedding, string ids)
    {
        _embedding = DenseFormat.Plan(graph, tensors, embedding, type);
        return graph.Node("embedding", "Gather", "", [_embedding.Name, ids], ("axis", 0));
    }

    public override void EmitHead(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights head, bool tied, string input, string output)
    {
        var weight = tied ? _embedding! : DenseFormat.Plan(graph, tensors, head, type);
        graph.Node("head", "Gemm", "", [input, weight.Name], [output], ("transB", 1));
    }
}
