using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// The whole decoder over a flattened batch: T tokens of any sequences in, logits of R chosen rows out. <c>docs/model-package.md</c>
/// lists inputs and outputs.
/// </summary>
internal static class DecoderGraph
{
    /// <summary>Builds the graph.</summary>
    /// <param name="graph">Takes nodes and initializers.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="tensors">Where they lie; read only when the fills run.</param>
    /// <param name="precision">How weights are stored and computed.</param>
    /// <param name="positions">Longest sequence.</param>
    public static void Build(
        OnnxGraphBuilder graph, DecoderConfig config, DecoderWeights weights, CheckpointTensors tensors, Precision precision, int positions)
    {
        graph.Activations = precision.Activations;
        var ids = graph.Input("input_ids", DataType.Int64, "tokens");
        var rows = graph.Input("logit_rows", DataType.Int64, "logit_rows");
        var attention = Attention(graph, config, precision.Target, positions);
        var layers = new DecoderLayer(graph, tensors, config, precision.Linears, attention);

        var stream = new ResidualStream(precision.Vocabulary.EmitEmbedding(graph, tensors, weights.Embedding, ids));
        for (var i = 0; i < weights.Layers.Count; i++)
            stream = layers.Emit(i, weights.Layers[i], stream);

        var norm = new NormEmitter(graph, tensors, config, "final_norm", weights.FinalNorm);
        var chosen = precision.Target is null
            ? norm.Emit(Choose(graph, stream, rows)).Normalized
            : graph.Node("chosen", "Gather", "", [norm.Emit(stream).Normalized, rows], ("axis", 0));
        var narrow = precision.Activations != ElementType.Float32;
        precision.Vocabulary.EmitHead(
            graph, tensors, weights.Head, config.Shape.TiedEmbeddings, chosen, narrow ? "logits.narrow" : "logits");
        if (narrow)
            graph.Node("logits", "Cast", "", ["logits.narrow"], ("to", (int)DataType.Float));
        graph.Output("logits", DataType.Float, "logit_rows", config.Shape.VocabularySize);
        if (precision.Target is { Candidates: > 0 and var candidates })
            CandidateOutputs.Emit(graph, "logits", Math.Min(candidates, config.Shape.VocabularySize));
    }

    /// <summary>
    /// The rows that want logits: few of a prompt's, so the CPU normalises only these. On a device one launch less is worth more.
    /// </summary>
    private static ResidualStream Choose(OnnxGraphBuilder graph, ResidualStream stream, string rows) =>
        new(
            graph.Node("chosen", "Gather", "", [stream.Value, rows], ("axis", 0)),
            graph.Node("chosen.update", "Gather", "", [stream.Update!, rows], ("axis", 0)));

    private static IAttentionEmitter Attention(OnnxGraphBuilder graph, DecoderConfig config, GraphTarget? target, int positions) =>
        target switch
        {
            null => new AttentionEmitter(graph, config, positions),
            { Attention: GraphTarget.GroupQuery } => new CudaGroupQueryAttention(graph, config, positions),
            _ => new CudaPagedAttention(graph, config, positions, target),
        };
}
