using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// The attention node of each layer: <c>ai.parley.PagedAttention</c>, with inputs and attributes of <c>com.microsoft.PagedAttention</c>
/// by index, and attributes of its own beyond. It normalises and rotates query and key, writes key and value into the paged cache in place
/// and attends over it.
/// </summary>
internal sealed class AttentionEmitter : IAttentionEmitter
{
    /// <summary>The input with the running sum of new tokens.</summary>
    public const string CumulativeLengths = "cumulative_sequence_length";

    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly string[] _batch;
    private readonly int _positions;
    private readonly RotaryInitializers _rotary;
    private readonly SequenceRotaryEmitter _sequenceRotary;

    /// <summary>Adds the inputs that all layers share.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="positions">Positions that the rotary tables cover.</param>
    public AttentionEmitter(OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, int positions)
    {
        (_tensors, _config, _positions) = (tensors, config, positions);
        _batch =
        [
            graph.Input(CumulativeLengths, DataType.Int32, "sequences_plus_one"),
            graph.Input("past_seqlens", DataType.Int32, "sequences"),
            graph.Input("block_table", DataType.Int32, "sequences", "blocks_per_sequence"),
        ];
        _rotary = new RotaryInitializers(graph, config.Shape.HeadSize, positions, ElementType.Float32).AddAll(config);
        _sequenceRotary = new SequenceRotaryEmitter(graph, config.Shape.HeadSize, _batch[..2]);
    }

    public bool Applies(HeadNorm norm) => norm is
    {
        Kind: HeadNormKind.PerHead or HeadNormKind.PerHeadRotated,
        Settings.Kind: NormKind.RootMeanSquare,
    };

    /// <inheritdoc />
    public string Emit(OnnxGraphBuilder graph, int layer, DecoderLayerWeights weights, string qkv, HeadNormEmitter headNorms)
    {
        var (shape, attention) = (_config.Shape, _config.Layers[layer]);
        var keys = Cache(graph, $"key_cache.{layer}");
        var values = Cache(graph, $"value_cache.{layer}");
        var byToken = attention.Rotary is { } rotary && PositionRules.DependsOnLength(rotary, _positions);
        var (cosines, sines) = attention.Rotary is not { } settings ? ("", "")
            : byToken ? _sequenceRotary.Of(settings) : _rotary.Of(settings);
        var (queryNorm, keyNorm) = headNorms.ReserveFused(layer, weights);
        var sinks = SinkInitializer.Add(graph, _tensors, layer, weights.Sinks, shape.QueryHeads, ElementType.Float32);
        string[] inputs = [qkv, "", "", keys, values, .. _batch, cosines, sines, "", sinks, queryNorm, keyNorm];
        var last = Array.FindLastIndex(inputs, input => input.Length > 0);
        return graph.Node(
            $"layers.{layer}.attention",
            "PagedAttention",
            OnnxGraphBuilder.ParleyDomain,
            inputs[..(last + 1)],
            [
                ("num_heads", shape.QueryHeads),
                ("kv_num_heads", shape.KeyValueHeads),
                ("scale", (float)attention.Scale),
                ("softcap", (float)attention.Softcap),
                ("do_rotary", attention.Rotary is null ? 0 : 1),
                ("rotary_interleaved", attention.Rotary is { IsInterleaved: true } ? 1 : 0),
                ("local_window_size", attention.Window > 0 && attention.Window < _positions ? attention.Window : -1),
                .. OwnAttributes(attention, byToken),
            ]);
    }

    /// <summary>Attributes that are there only where they say something.</summary>
    private IEnumerable<(string Name, object Value)> OwnAttributes(LayerAttention attention, bool byToken)
    {
        if (byToken)
            yield return ("rotary_by_token", 1);
        if (attention.HeadNorm is { } norm && Applies(norm))
        {
            yield return ("qk_norm_epsilon", norm.Settings.Epsilon);
            if (norm.Kind == HeadNormKind.PerHeadRotated)
                yield return ("qk_norm_after_rotary", 1);
        }

        if (attention.QueryBeta == 0)
            yield break;
        yield return ("query_scale_beta", (float)attention.QueryBeta);
        yield return ("query_scale_positions", attention.QueryPositions);
    }

    private string Cache(OnnxGraphBuilder graph, string name) =>
        graph.Input(name, DataType.Float, "blocks", "block_size", _config.Shape.KeyValueHeads, _config.Shape.HeadSize);
}
