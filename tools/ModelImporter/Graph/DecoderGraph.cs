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
    /// <summary>The stream behind the final norm: what the decoder shows of each token, and the drafter reads.</summary>
    private const string Stream = "stream";

    /// <summary>The same of the drafter's own rows, for its next guess.</summary>
    private const string NextStream = "next_stream";

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
        var attention = Attention(graph, tensors, config, precision.Linears, precision.Target, positions);
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
        var chosen = precision.Target is null && weights.Drafter is null
            ? norm.Emit(Choose(graph, stream, rows)).Normalized
            : graph.Node("chosen", "Gather", "", [Shown(graph, norm.Emit(stream).Normalized, config, weights), rows], ("axis", 0));
        EmitLogits(graph, config, weights, tensors, precision, chosen);
    }

    /// <summary>Builds the graph of the block that guesses further tokens, over the same data.</summary>
    /// <param name="graph">Takes nodes and initializers; lies beside the decoder's.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="weights">Its weights, with the block's.</param>
    /// <param name="tensors">Where they lie; read only when the fills run.</param>
    /// <param name="precision">How weights are stored.</param>
    /// <param name="positions">Longest sequence.</param>
    /// <param name="first">How many ids of the vocabulary the block may guess.</param>
    /// <returns>How many it can, the first ones.</returns>
    public static int BuildDrafter(
        OnnxGraphBuilder graph, DecoderConfig config, DecoderWeights weights, CheckpointTensors tensors, Precision precision, int positions,
        int first)
    {
        var linears = precision.Rounding is { ReadsText: true } ? precision.Fine : precision.Linears;
        var (own, drafter) = (config.ToDrafter(), weights.Drafter!);
        graph.Activations = precision.Activations;
        var tokens = graph.Input("input_ids", DataType.Int64, "tokens");
        var rows = graph.Input("logit_rows", DataType.Int64, "logit_rows");
        var stream = graph.Input(Stream, DataType.Float, "tokens", config.Shape.HiddenSize);
        var attention = Attention(graph, tensors, own, linears, precision.Target, positions);
        var embedding = precision.Vocabulary.EmitEmbedding(graph, tensors, weights.Embedding, tokens);
        if (config.EmbeddingScale != 1)
            embedding = graph.Node("embedding.weighted", "Mul", "", [embedding, graph.Scalar("embedding.factor", config.EmbeddingScale)]);
        var both = graph.Node(
            "drafter.both", "Concat", "",
            [
                new NormEmitter(graph, tensors, config.Norm, "drafter.embedding_norm", drafter.EmbeddingNorm).Emit(embedding),
                new NormEmitter(graph, tensors, config.Norm, "drafter.stream_norm", drafter.StreamNorm).Emit(stream),
            ],
            ("axis", -1));
        var layers = new DecoderLayer(graph, tensors, own, linears, precision.Fine, attention);
        var after = layers.Emit(
            config.Shape.Layers, drafter.Layer, new ResidualStream(linears.Emit(graph, tensors, drafter.Projection, both)));
        var norm = new NormEmitter(graph, tensors, config.Norm, "drafter.norm", drafter.Norm);
        var chosen = norm.Emit(Choose(graph, after, rows)).Normalized;
        graph.Node(NextStream, "Identity", "", [chosen]);
        graph.Output(NextStream, DataType.Float, "logit_rows", config.Shape.HiddenSize);
        // A cap on logits changes nothing about which is the best.
        var ids = precision.Vocabulary.EmitShortHead(
            graph, tensors, weights.Head, config.Shape.TiedEmbeddings, chosen, "logits", first);
        graph.Output("logits", DataType.Float, "logit_rows", ids);
        return ids;
    }

    private static void EmitLogits(
        OnnxGraphBuilder graph, DecoderConfig config, DecoderWeights weights, CheckpointTensors tensors, Precision precision, string chosen)
    {
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

    /// <summary>The stream as the head reads it, which the drafter reads as well; so every row's is shown where there is one.</summary>
    private static string Shown(OnnxGraphBuilder graph, string normalized, DecoderConfig config, DecoderWeights weights)
    {
        if (weights.Drafter is null)
            return normalized;
        graph.Node(Stream, "Identity", "", [normalized]);
        graph.Output(Stream, DataType.Float, "tokens", config.Shape.HiddenSize);
        return normalized;
    }

    /// <summary>
    /// The rows that want logits: few of a prompt's, so the CPU normalises only these. On a device one launch less is worth more.
    /// </summary>
    private static ResidualStream Choose(OnnxGraphBuilder graph, ResidualStream stream, string rows) =>
        new(
            graph.Node("chosen", "Gather", "", [stream.Value, rows], ("axis", 0)),
            graph.Node("chosen.update", "Gather", "", [stream.Update!, rows], ("axis", 0)));

    private static IAttentionEmitter Attention(
        OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, LinearFormat linears, GraphTarget? target,
        int positions) =>
        target switch
        {
            null when config.Latent is not null => new LatentAttentionEmitter(graph, tensors, config, linears, positions),
            null => new AttentionEmitter(graph, tensors, config, positions),
            { Attention: GraphTarget.GroupQuery } => new CudaGroupQueryAttention(graph, tensors, config, positions),
            _ => new CudaPagedAttention(graph, tensors, config, positions, target),
        };
}
