using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// The best logits of each row beside all of them, so that a few hundred bytes leave the device where they suffice; and the sum of the row,
/// which is not finite as soon as one of its logits is not: what TopK makes of NaN is nobody's promise.
/// </summary>
internal static class CandidateOutputs
{
    public static void Emit(OnnxGraphBuilder graph, string logits, int candidates)
    {
        graph.Constant<long>("candidates.count", DataType.Int64, [candidates], 1);
        graph.Constant<long>("candidates.axis", DataType.Int64, [-1], 1);
        graph.Node(
            "candidates", "TopK", "", [logits, "candidates.count"], ["top_logits", "top_ids"],
            ("axis", -1), ("largest", 1), ("sorted", 1));
        graph.Node("logit_sums", "ReduceSum", "", [logits, "candidates.axis"], ("keepdims", 0));
        graph.Output("top_logits", DataType.Float, "logit_rows", candidates);
        graph.Output("top_ids", DataType.Int64, "logit_rows", candidates);
        graph.Output("logit_sums", DataType.Float, "logit_rows");
    }
}
