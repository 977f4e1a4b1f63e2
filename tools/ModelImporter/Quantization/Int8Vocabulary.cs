using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Embedding and head of 8 bits with a scale per group, in every quantised precision: a head of 4 bits costs more quality than all
/// other linears together. Tied ones are the same two tensors.
/// </summary>
internal sealed class Int8Vocabulary(int blockMax) : VocabularyFormat
{
    private readonly Int8Format _format = new(blockMax, Int8Format.KeepsInVocabulary);
    private (PackedMatrix Matrix, TensorTarget Codes, TensorTarget Halves)? _embedding;

    public override string EmitEmbedding(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights embedding, string ids)
    {
        var planned = Plan(graph, tensors, embedding);
        _embedding = planned;
        return graph.Node(
            embedding.Name, "QuantizedGather", OnnxGraphBuilder.ParleyDomain,
            [ids, planned.Codes.Name, planned.Halves.Name], planned.Matrix.Attributes);
    }

    public override void EmitHead(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights head, bool tied, string input, string output) =>
        EmitShortHead(graph, tensors, head, tied, input, output, head.Outputs);

    public override int EmitShortHead(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights head, bool tied, string input, string output, int first)
    {
        var planned = tied ? _embedding!.Value : Plan(graph, tensors, head);
        if (planned.Matrix.Grid.HasMinima)
        {
            // Its high nibbles alone would be no estimate: codes of few bits have none.
            planned.Matrix.Multiply(graph, input, planned.Codes, planned.Halves, output);
            return head.Outputs;
        }

        var counts = graph.Input("logit_best", DataType.Int32, "logit_rows");
        planned.Matrix.MultiplyBest(
            graph, input, counts, planned.Codes, planned.Halves, output, first < head.Outputs ? first : null);
        return Math.Min(first, head.Outputs);
    }

    private (PackedMatrix Matrix, TensorTarget Codes, TensorTarget Halves) Plan(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights weights)
    {
        var matrix = _format.Split(tensors, weights).Single();
        var (codes, halves) = _format.Plan(graph, tensors, matrix);
        return (matrix, codes, halves);
    }
}
