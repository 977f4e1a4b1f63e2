using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Embedding and head of 8 bits on ONNX Runtime's operators: GatherBlockQuantized and MatMulNBits read the same bytes under two shapes.
/// </summary>
/// <param name="blockMax">Largest number of weights per scale, where weights are rounded.</param>
/// <param name="accuracyLevel">How exact the kernel's own activations are.</param>
/// <param name="kept">Reads what a file has rounded already. Default: null, and everything is rounded.</param>
internal sealed class OrtInt8Vocabulary(int blockMax, int accuracyLevel = BlockLayout.Int8Activations, Int8Format? kept = null)
    : VocabularyFormat
{
    private readonly OrtInt8Format _format = new(blockMax, accuracyLevel, kept);
    private (TensorTarget Codes, TensorTarget Scales, BlockLayout Layout)? _embedding;

    public override string EmitEmbedding(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights embedding, string ids)
    {
        var planned = _format.Plan(graph, tensors, embedding);
        _embedding = planned;
        var rows = graph.Alias($"{embedding.Name}.rows", DataType.Uint8, planned.Codes, embedding.Outputs, embedding.Inputs);
        return graph.Node(
            embedding.Name, "GatherBlockQuantized", OnnxGraphBuilder.MicrosoftDomain, [rows, ids, planned.Scales.Name],
            ("gather_axis", 0), ("quantize_axis", 1), ("block_size", planned.Layout.Block), ("bits", planned.Layout.Bits));
    }

    public override void EmitHead(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights head, bool tied, string input, string output)
    {
        var planned = tied ? _embedding!.Value : _format.Plan(graph, tensors, head);
        planned.Layout.Multiply(graph, head, input, planned.Codes, planned.Scales, output);
    }
}
