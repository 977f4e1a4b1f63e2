using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// The attention node of each layer: <c>ai.parley.PagedAttention</c>, with inputs and attributes of <c>com.microsoft.PagedAttention</c>
/// by index. It rotates query and key, writes key and value into the paged cache in place and attends over it.
/// </summary>
internal sealed class AttentionEmitter : IAttentionEmitter
{
    private readonly DecoderConfig _config;
    private readonly string[] _batch;
    private readonly string _cosines;
    private readonly string _sines;

    /// <summary>Adds the inputs that all layers share, and the rotary tables.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="positions">Positions that the tables cover.</param>
    public AttentionEmitter(OnnxGraphBuilder graph, DecoderConfig config, int positions)
    {
        _config = config;
        _batch =
        [
            graph.Input("cumulative_sequence_length", DataType.Int32, "sequences_plus_one"),
            graph.Input("past_seqlens", DataType.Int32, "sequences"),
            graph.Input("block_table", DataType.Int32, "sequences", "blocks_per_sequence"),
        ];
        (_cosines, _sines) = RotaryInitializers.Add(graph, config, positions, ElementType.Float32);
    }

    /// <inheritdoc />
    public string Emit(OnnxGraphBuilder graph, int layer, string qkv)
    {
        var shape = _config.Shape;
        var keys = Cache(graph, $"key_cache.{layer}");
        var values = Cache(graph, $"value_cache.{layer}");
        return graph.Node(
            $"layers.{layer}.attention",
            "PagedAttention",
            OnnxGraphBuilder.ParleyDomain,
            [qkv, "", "", keys, values, .. _batch, _cosines, _sines],
            ("num_heads", shape.QueryHeads),
            ("kv_num_heads", shape.KeyValueHeads),
            ("scale", (float)(1 / Math.Sqrt(shape.HeadSize))),
            ("softcap", 0f),
            ("do_rotary", 1),
            ("rotary_interleaved", 0),
            ("local_window_size", -1));
    }

    private string Cache(OnnxGraphBuilder graph, string name) =>
        graph.Input(name, DataType.Float, "blocks", "block_size", _config.Shape.KeyValueHeads, _config.Shape.HeadSize);
}
