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
        if (precision.Target is { } target && CudaSupport.Missing(
            config, target.Attention, positions, precision.Name.StartsWith("int4", StringComparison.Ordinal)) is { } missing)
        {
            throw new InvalidDataException(
                $"{config.Architecture} does not run on CUDA: {missing}; import it for the CPU (fp32, int8, int4).");
        }

        graph.Activations = precision.Activations;
        var ids = graph.Input("input_ids", DataType.Int64, "tokens");
        var rows = graph.Input("logit_rows", DataType.Int64, "logit_rows");
        var attention = Attention(graph, tensors, config, precision, positions);
        var embedding = precision.Vocabulary.EmitEmbedding(graph, tensors, weights.Embedding, ids);
        if (config.EmbeddingScale != 1)
            embedding = graph.Node("embedding.weighted", "Mul", "", [embedding, graph.Scalar("embedding.factor", config.EmbeddingScale)]);
        var perLayer = weights.PerLayer is { } tables
            ? new PerLayerEmitter(graph, tensors, config, precision, tables, embedding, ids) : null;
        var layers = new DecoderLayer(graph, tensors, config, precision.Linears, precision.Fine, attention, perLayer);
        var stream = new ResidualStream(embedding);
        for (var i = 0; i < weights.Layers.Count; i++)
            stream = layers.Emit(i, weights.Layers[i], stream);

        // What the logits are scaled by, the head's input may be.
        var norm = new NormEmitter(graph, tensors, config.Norm, "final_norm", weights.FinalNorm) { Scale = config.LogitScale };
        var chosen = precision.Target is null
            ? norm.Emit(Choose(graph, stream, rows)).Normalized
            : graph.Node("chosen", "Gather", "", [norm.Emit(stream).Normalized, rows], ("axis", 0));
        var narrow = precision.Activations != ElementType.Float32;
        var plain = config.LogitSoftcap == 0 ? "logits" : "logits.plain";
        precision.Vocabulary.EmitHead(
            graph, tensors, weights.Head, config.Shape.TiedEmbeddings, chosen, narrow ? "logits.narrow" : plain);
        if (narrow)
            graph.Node(plain, "Cast", "", ["logits.narrow"], ("to", (int)DataType.Float));
        // Order survives it, so a head that finds the best logits alone still does.
        if (config.LogitSoftcap != 0)
            ActivationEmitter.EmitSoftcap(graph, plain, config.LogitSoftcap, "logits");
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

    private static IAttentionEmitter Attention(
        OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, Precision precision, int positions) =>
        precision.Target switch
        {
            null when config.Latent is not null => new LatentAttentionEmitter(graph, tensors, config, precision.Linears, positions),
            null => new AttentionEmitter(graph, tensors, config, positions),
            { Attention: GraphTarget.GroupQuery } => new CudaGroupQueryAttention(graph, tensors, config, positions),
            var target => new CudaPagedAttention(graph, tensors, config, positions, target),
        };
}
