using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// Latent attention in its absorbed form: queries times the key half of each head's expansion, <c>ai.parley.LatentAttention</c> over the
/// cached latents, and the result times the value half. No head's keys or values ever exist.
/// </summary>
internal sealed class LatentAttentionEmitter : IAttentionEmitter
{
    private const string SplitName = "latent.split";

    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly LinearFormat _linears;
    private readonly int _positions;
    private readonly string[] _batch;
    private readonly RotaryInitializers _rotary;
    private readonly SequenceRotaryEmitter _sequenceRotary;

    /// <summary>Adds the inputs that all layers share.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="linears">How its linears are stored.</param>
    /// <param name="positions">Positions that the rotary tables cover.</param>
    public LatentAttentionEmitter(
        OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, LinearFormat linears, int positions)
    {
        (_tensors, _config, _linears, _positions) = (tensors, config, linears, positions);
        _batch =
        [
            graph.Input("cumulative_sequence_length", DataType.Int32, "sequences_plus_one"),
            graph.Input("past_seqlens", DataType.Int32, "sequences"),
            graph.Input("block_table", DataType.Int32, "sequences", "blocks_per_sequence"),
        ];
        var latent = config.Latent!;
        _rotary = new RotaryInitializers(graph, positions, ElementType.Float32).AddAll(config);
        _sequenceRotary = new SequenceRotaryEmitter(graph, _batch[..2]);
        long[] widths = [latent.QueryRank ?? ((long)config.Shape.QueryHeads * latent.QuerySize), (long)latent.Rank + latent.RotarySize];
        graph.Constant<long>(SplitName, DataType.Int64, widths, 2);
    }

    public bool Applies(HeadNorm norm) => false;

    /// <inheritdoc />
    public string Emit(OnnxGraphBuilder graph, int layer, DecoderLayerWeights weights, string qkv, HeadNormEmitter headNorms)
    {
        var (shape, latent, attention) = (_config.Shape, weights.Latent!, _config.Layers[layer]);
        var (settings, name) = (latent.Settings, $"layers.{layer}");
        var parts = graph.Node(
            $"{name}.qkv.parts", "Split", "", [qkv, SplitName], [$"{name}.query_down", $"{name}.latent"], ("axis", -1));
        var queries = latent.QueryUp is null ? parts[0] : Expand(graph, name, latent, parts[0]);
        var absorbed = _linears.PerHead.Emit(
            graph, _tensors, latent.Keys, queries, new PerHeadRows(settings.QuerySize, InputByHead: false, OutputByHead: true));
        var keys = graph.Input($"key_cache.{layer}", DataType.Float, "blocks", "block_size", 1, shape.KeySize);
        var values = graph.Input($"value_cache.{layer}", DataType.Float, "blocks", "block_size", 1, shape.ValueSize);
        var rotary = attention.Rotary!;
        var byToken = PositionRules.DependsOnLength(rotary, _positions);
        var (cosines, sines) = byToken
            ? _sequenceRotary.Of(rotary, settings.RotarySize) : _rotary.Of(rotary, settings.RotarySize);
        var norm = new NormEmitter(graph, _tensors, LatentSettings.Norm, $"{name}.latent_norm", latent.LatentNorm);
        (string, object)[] own = byToken ? [("rotary_by_token", 1)] : [];
        var attended = graph.Node(
            $"{name}.attention", "LatentAttention", OnnxGraphBuilder.ParleyDomain,
            [absorbed, queries, parts[1], keys, values, .. _batch, cosines, sines, norm.ReserveWeight()],
            [
                ("num_heads", shape.QueryHeads), ("scale", (float)attention.Scale), ("norm_epsilon", norm.Epsilon),
                ("rotary_interleaved", rotary.IsInterleaved ? 1 : 0), .. own,
            ]);
        return _linears.PerHead.Emit(
            graph, _tensors, latent.Values, attended, new PerHeadRows(settings.Rank, InputByHead: true, OutputByHead: false));
    }

    /// <summary>The queries of all heads from the few numbers that they are made of.</summary>
    private string Expand(OnnxGraphBuilder graph, string name, LatentWeights latent, string value)
    {
        var norm = new NormEmitter(graph, _tensors, LatentSettings.Norm, $"{name}.query_norm", latent.QueryNorm!);
        return _linears.Emit(graph, _tensors, latent.QueryUp!, new LinearInput(new ResidualStream(value), norm)).Output;
    }
}
