using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;


namespace Parley.ModelImporter.Graph;

/// <summary>
/// One decoder layer: norm → qkv → norms of heads → attention → output → norm; norm → MLP → norm. Norms are where the weights have some; in
/// a parallel layer attention and MLP read the same normalised stream.
/// </summary>
internal sealed class DecoderLayer(
    OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, LinearFormat linears, IAttentionEmitter attention)
{
    private readonly HeadNormEmitter _headNorms = new(graph, tensors, config, attention.Applies);
    private readonly HeadGateEmitter _headGate = new(graph, config);
    private readonly RecurrenceEmitter _recurrence = new(graph, tensors, config);
    private readonly MlpEmitter _mlp = new(graph, tensors, config, linears);
    private readonly HashSet<string> _scalars = new(StringComparer.Ordinal);

    /// <summary>Adds a layer.</summary>
    /// <param name="index">Index of the layer.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="stream">The residual stream before the layer.</param>
    /// <returns>The residual stream behind the layer.</returns>
    public ResidualStream Emit(int index, DecoderLayerWeights weights, ResidualStream stream)
    {
        var name = $"layers.{index}";
        var input = new LinearInput(stream, Norm($"{name}.attention_norm", weights.AttentionNorm));
        var shared = "";
        if (config.IsParallel)
        {
            (shared, var sum) = input.Emit(graph, $"{name}.attention_norm");
            (input, stream) = (new LinearInput(shared), new ResidualStream(sum));
        }

        var (qkv, residual) = linears.Emit(graph, tensors, weights.Qkv, input);
        var heads = weights.Recurrence is null ? Attend(index, weights, qkv) : _recurrence.Emit(index, weights, qkv);
        var update = linears.Emit(graph, tensors, weights.AttentionOutput, heads);
        update = After($"{name}.attention_after_norm", weights.AttentionAfterNorm, update);
        stream = new ResidualStream(config.IsParallel ? stream.Value : residual, update);

        if (config.IsParallel)
        {
            var sum = graph.Node($"{name}.attention_sum", "Add", "", [stream.Value, update]);
            var (parallel, _) = _mlp.Emit(weights.Mlp, new LinearInput(shared));
            return new ResidualStream(sum, After($"{name}.mlp_after_norm", weights.MlpAfterNorm, parallel));
        }

        input = new LinearInput(stream, Norm($"{name}.mlp_norm", weights.MlpNorm));
        (update, residual) = _mlp.Emit(weights.Mlp, input);
        return new ResidualStream(residual, After($"{name}.mlp_after_norm", weights.MlpAfterNorm, update));
    }

    private string Attend(int index, DecoderLayerWeights weights, string qkv)
    {
        var gate = "";
        if (config.Layers[index].HasHeadGate)
            (qkv, gate) = _headGate.Split(index, qkv);
        qkv = _headNorms.Emit(index, weights, qkv);
        if (config.QkvClip != 0)
        {
            qkv = graph.Node(
                $"layers.{index}.qkv.clipped", "Clip", "",
                [qkv, Scalar("qkv.least", -config.QkvClip), Scalar("qkv.most", config.QkvClip)]);
        }

        var heads = attention.Emit(graph, index, weights, qkv, _headNorms);
        return gate.Length == 0 ? heads : _headGate.Emit(index, heads, gate);
    }

    private NormEmitter? Norm(string name, NormWeights? weights) =>
        weights is null ? null : new NormEmitter(graph, tensors, config.Norm, name, weights);

    /// <summary>What becomes of an update before it is added.</summary>
    private string After(string name, NormWeights? weights, string update)
    {
        if (Norm(name, weights) is { } norm)
            update = norm.Emit(update);
        if (config.ResidualScale == 1)
            return update;
        return graph.Node($"{update}.weighted", "Mul", "", [update, Scalar("residual.scale", config.ResidualScale)]);
    }

    /// <summary>A number that all layers share.</summary>
    private string Scalar(string name, double value) => _scalars.Add(name) ? graph.Scalar(name, value) : name;
}
