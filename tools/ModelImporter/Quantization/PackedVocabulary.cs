using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Embedding and head of 8 bits with a scale per group, in every quantised precision: a head of 4 bits costs more quality than all
/// other linears together. One that the file has rounded to 4 bits already keeps them where the linears do: 8 would hold the same numbers
/// in twice the bytes, with high nibbles that say nothing. Tied ones are the same two tensors.
/// </summary>
/// <param name="blockMax">Largest number of weights per scale, where weights are rounded.</param>
/// <param name="keepsNibbles">Whether codes of 4 bits stay so.</param>
internal sealed class PackedVocabulary(int blockMax, bool keepsNibbles) : VocabularyFormat
{
    private readonly Int8Format _bytes = new(blockMax, Int8Format.KeepsInVocabulary);
    private readonly Int4Format _nibbles = new(new PlainRounding(PlainRounding.DefaultGroup));
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
        if (planned.Matrix.Planes == 1 || planned.Matrix.Grid.HasMinima)
        {
            // There is nothing to read first: one plane, or high nibbles that are no estimate, since codes of few bits have none.
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
        PackedFormat format = keepsNibbles && weights.Parts.All(part => HasFourBits(tensors.GridOf(part.Weight))) ? _nibbles : _bytes;
        var matrix = format.Split(tensors, weights).Single();
        var (codes, halves) = format.Plan(graph, tensors, matrix);
        return (matrix, codes, halves);
    }

    /// <remarks>
    /// Levels fill 8 bits, so their high nibbles are worth reading first. Sorted columns would have to be sorted back for an embedding, and
    /// nothing in front of a head sorts them.
    /// </remarks>
    private static bool HasFourBits(StoredGrid? grid) =>
        grid is { Bits: 4, Levels: null, Order: null, Group: not QuantizedLinearLayout.SmallGroup };
}
