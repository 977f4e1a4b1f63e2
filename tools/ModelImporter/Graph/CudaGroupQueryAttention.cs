using Parley.ModelImporter.Architectures;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// <c>com.microsoft.GroupQueryAttention</c> over slots, one per sequence, where ONNX Runtime has no PagedAttention. A run is either one new
/// token of each of several neighbouring slots, or one chunk of one slot: the operator refuses all else that has a past.
/// </summary>
internal sealed class CudaGroupQueryAttention : IAttentionEmitter
{
    private const string FlatShape = "attention.flat";
    private readonly DecoderConfig _config;
    private readonly string[] _lengths;
    private readonly string _batchShape;

    /// <summary>Adds the inputs that all layers share, and the rotary tables.</summary>
    public CudaGroupQueryAttention(OnnxGraphBuilder graph, DecoderConfig config, int positions)
    {
        _config = config;
        _batchShape = graph.Input("attention_shape", DataType.Int64, 3);
        _lengths =
        [
            graph.Input("seqlens_k", DataType.Int32, "sequences"),
            graph.Input("total_sequence_length", DataType.Int32, 1),
        ];
        var (cosines, sines) = RotaryInitializers.Add(graph, config, positions, graph.Activations);
        _lengths = [.. _lengths, cosines, sines];
        graph.Constant<long>(FlatShape, DataType.Int64, [-1, (long)config.Shape.QueryHeads * config.Shape.HeadSize], 2);
    }

    /// <inheritdoc />
    public string Emit(OnnxGraphBuilder graph, int layer, string qkv)
    {
        var shape = _config.Shape;
        var name = $"layers.{layer}.attention";
        object[] dimensions = ["sequences", shape.KeyValueHeads, "slot_positions", shape.HeadSize];
        var type = graph.Activations.Onnx;
        var keys = graph.Input($"key_cache.{layer}", type, dimensions);
        var values = graph.Input($"value_cache.{layer}", type, dimensions);
        graph.Output($"key_cache_out.{layer}", type, dimensions);
        graph.Output($"value_cache_out.{layer}", type, dimensions);
        var batch = graph.Node($"{name}.batch", "Reshape", "", [qkv, _batchShape]);
        var heads = graph.Node(
            $"{name}.heads",
            "GroupQueryAttention",
            OnnxGraphBuilder.MicrosoftDomain,
            [batch, "", "", keys, values, .. _lengths],
            [$"{name}.heads", $"key_cache_out.{layer}", $"value_cache_out.{layer}"],
            ("num_heads", shape.QueryHeads),
            ("kv_num_heads", shape.KeyValueHeads),
            ("scale", (float)(1 / Math.Sqrt(shape.HeadSize))),
            ("do_rotary", 1),
            ("rotary_interleaved", 0),
            ("local_window_size", -1));
        return graph.Node(name, "Reshape", "", [heads[0], FlatShape]);
    }
}
