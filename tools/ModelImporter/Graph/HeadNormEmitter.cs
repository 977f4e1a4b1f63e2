using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// Norms of queries and keys: as weights that the attention node applies, where it can, else as nodes in front of it.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="tensors">The checkpoint.</param>
/// <param name="config">The decoder.</param>
/// <param name="isFused">Whether the attention node applies a norm itself.</param>
internal sealed class HeadNormEmitter(
    OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, Func<HeadNorm, bool> isFused)
{
    private const string SplitName = "qkv.split";
    private const string HeadShapeName = "qkv.heads";
    private const string QueryShapeName = "qkv.query_shape";
    private const string KeyShapeName = "qkv.key_shape";
    private const string OnesName = "qkv.ones";
    private bool _constants;

    /// <summary>Plans the weights of norms that the attention node applies.</summary>
    /// <returns>Two values [head size]; "" where there are none.</returns>
    public (string Query, string Key) ReserveFused(int layer, DecoderLayerWeights weights)
    {
        if (config.Layers[layer].HeadNorm is not { } norm || !isFused(norm))
            return ("", "");
        return (
            new NormEmitter(graph, tensors, norm.Settings, $"layers.{layer}.query_norm", weights.QueryNorm!).ReserveWeight(),
            weights.KeyNorm is null ? ""
                : new NormEmitter(graph, tensors, norm.Settings, $"layers.{layer}.key_norm", weights.KeyNorm).ReserveWeight());
    }

    /// <summary>Adds the norms that the attention node does not apply.</summary>
    /// <returns>Queries, keys and values as they were, but for the norms.</returns>
    public string Emit(int layer, DecoderLayerWeights weights, string qkv)
    {
        if (config.Layers[layer].HeadNorm is not { } norm || isFused(norm))
            return qkv;
        AddConstants();
        var name = $"layers.{layer}";
        var parts = graph.Node(
            $"{name}.qkv.parts", "Split", "", [qkv, SplitName], [$"{name}.query", $"{name}.key", $"{name}.value"], ("axis", -1));
        var query = Normalize(norm, $"{name}.query_norm", weights.QueryNorm!, parts[0], QueryShapeName);
        var key = Normalize(norm, $"{name}.key_norm", weights.KeyNorm!, parts[1], KeyShapeName);
        return graph.Node($"{name}.qkv.normalized", "Concat", "", [query, key, parts[2]], ("axis", -1));
    }

    private string Normalize(HeadNorm norm, string name, NormWeights weights, string value, string flatShape)
    {
        if (norm.Kind == HeadNormKind.Whole)
            return new NormEmitter(graph, tensors, norm.Settings, name, weights).Emit(value);
        var heads = graph.Node($"{name}.heads", "Reshape", "", [value, HeadShapeName]);
        if (norm.Kind == HeadNormKind.PerHead)
        {
            var emitter = new NormEmitter(graph, tensors, norm.Settings, $"{name}.each", weights);
            return graph.Node(name, "Reshape", "", [emitter.Emit(heads), flatShape]);
        }

        if (norm.Kind != HeadNormKind.PerHeadOwn)
            throw new NotSupportedException($"Norms of the kind {norm.Kind} come behind the rotation.");
        // Each head by itself without weights, then the weights of all heads.
        var normalized = graph.Node(
            $"{name}.plain", norm.Settings.Kind == NormKind.Layer ? "LayerNormalization" : "SimplifiedLayerNormalization", "",
            [heads, OnesName], ("axis", -1), ("epsilon", norm.Settings.Epsilon), ("stash_type", 1));
        var flat = graph.Node($"{name}.flat", "Reshape", "", [normalized, flatShape]);
        return graph.Node(name, "Mul", "", [flat, new NormEmitter(graph, tensors, norm.Settings, name, weights).ReserveWeight()]);
    }

    private void AddConstants()
    {
        if (_constants)
            return;
        _constants = true;
        var (size, shape) = (config.Shape.HeadSize, config.Shape);
        long[] widths = [(long)shape.QueryHeads * size, (long)shape.KeyValueHeads * size, (long)shape.KeyValueHeads * size];
        graph.Constant<long>(SplitName, DataType.Int64, widths, 3);
        graph.Constant<long>(HeadShapeName, DataType.Int64, [0, -1, size], 3);
        var type = graph.Activations;
        graph.Constant<long>(QueryShapeName, DataType.Int64, [-1, widths[0]], 2);
        graph.Constant<long>(KeyShapeName, DataType.Int64, [-1, widths[1]], 2);
        var ones = type.Reserve(graph, OnesName, size);
        graph.Fill((data, _) => type.Write(data, ones, 0, Enumerable.Repeat(1f, size).ToArray()), ones);
    }
}
