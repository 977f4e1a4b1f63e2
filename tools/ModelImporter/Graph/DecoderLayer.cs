using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// One decoder layer: norm → qkv → norms of heads → attention → output → norm; norm → MLP → norm. Norms are where the weights have some; in
/// a parallel layer attention and MLP read the same normalised stream.
/// </summary>
internal sealed class DecoderLayer(
    OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, LinearFormat linears, LinearFormat fine,
    IAttentionEmitter attention, PerLayerEmitter? perLayer = null)
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

        var (heads, residual) = weights.Recurrence is null ? Attend(index, weights, input) : Recur(index, weights, input);
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
        var scale = weights.StreamScale;
        if (weights.PerLayer is { } own)
        {
            stream = new ResidualStream(residual, After($"{name}.mlp_after_norm", weights.MlpAfterNorm, update));
            (update, residual) = perLayer!.Emit(index, own, stream);
            update = After($"{name}.per_layer_after_norm", own.AfterNorm, update, scale);
        }
        else
        {
            update = After($"{name}.mlp_after_norm", weights.MlpAfterNorm, update, scale);
        }

        return scale is null ? new ResidualStream(residual, update) : new ResidualStream(Scale(name, scale, residual), update);
    }

    /// <summary>The stream times a stored number; what is added to it has that in its norm.</summary>
    private string Scale(string name, string tensor, string stream)
    {
        var type = graph.Activations;
        var reserved = type.Reserve(graph, $"{name}.stream_scale", 1);
        graph.Fill(
            (data, _) => type.Write(data, reserved, 0, [ActivationEmitter.ReadScalar(tensors, new ScalarWeight(tensor, true))]), reserved);
        return graph.Node($"{name}.stream_scaled", "Mul", "", [stream, reserved.Name]);
    }

    /// <summary>A layer with a state: its small linear has bits of its own.</summary>
    private (string Heads, string Residual) Recur(int index, DecoderLayerWeights weights, LinearInput input)
    {
        if (weights.Recurrence!.Linears is not [var small])
        {
            var (plain, sum) = linears.Emit(graph, tensors, weights.Qkv, input);
            return (_recurrence.Emit(index, weights, plain, ""), sum);
        }

        var (value, residual) = input.Emit(graph, weights.Qkv.Name);
        var rows = linears.Emit(graph, tensors, weights.Qkv, value);
        return (_recurrence.Emit(index, weights, rows, fine.Emit(graph, tensors, small, value)), residual);
    }

    private (string Heads, string Residual) Attend(int index, DecoderLayerWeights weights, LinearInput input)
    {
        var (qkv, residual) = linears.Emit(graph, tensors, weights.Qkv, input);
        var gate = "";
        if (config.Layers[index].HasOutputGate)
            (qkv, gate) = SplitGate($"layers.{index}", qkv);
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
        if (config.Layers[index].HasHeadGate)
            heads = _headGate.Emit(index, heads, gate);
        else if (gate.Length > 0)
            heads = graph.Node($"layers.{index}.heads.gated", "Mul", "", [heads, graph.Node($"{gate}.open", "Sigmoid", "", [gate])]);
        return (heads, residual);
    }

    /// <summary>Queries, keys and values, and behind them the gates of the result.</summary>
    private (string Qkv, string Gate) SplitGate(string name, string rows)
    {
        const string Split = "output_gate.split";
        var (queries, keys) = (config.Shape.QueryHeads * config.Shape.HeadSize, config.Shape.KeyValueHeads * config.Shape.HeadSize);
        if (_scalars.Add(Split))
            graph.Constant<long>(Split, DataType.Int64, [queries + (2 * keys), queries], 2);
        var parts = graph.Node($"{name}.qkv.halves", "Split", "", [rows, Split], [$"{name}.qkv.own", $"{name}.output_gate"], ("axis", -1));
        return (parts[0], parts[1]);
    }

    private NormEmitter? Norm(string name, NormWeights? weights, string? scale = null) =>
        weights is null ? null : new NormEmitter(graph, tensors, config.Norm, name, weights) { ScaleTensor = scale };

    /// <summary>What becomes of an update before it is added.</summary>
    private string After(string name, NormWeights? weights, string update, string? scale = null)
    {
        if (Norm(name, weights, scale) is { } norm)
            update = norm.Emit(update);
        if (config.ResidualScale == 1)
            return update;
        return graph.Node($"{update}.weighted", "Mul", "", [update, Scalar("residual.scale", config.ResidualScale)]);
    }

    /// <summary>A number that all layers share.</summary>
    private string Scalar(string name, double value) => _scalars.Add(name) ? graph.Scalar(name, value) : name;
}
