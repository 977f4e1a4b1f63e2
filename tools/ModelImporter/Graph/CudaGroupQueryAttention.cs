using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// <c>com.microsoft.GroupQueryAttention</c> over slots, one per sequence, where ONNX Runtime has no PagedAttention. A run is either one new
/// token of each of several neighbouring slots, or one chunk of one slot: the operator refuses all else that has a past.
/// </summary>
internal sealed class CudaGroupQueryAttention : IAttentionEmitter
{
    private const string FlatShape = "attention.flat";
    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly int _positions;
    private readonly RotaryInitializers _rotary;
    private readonly string[] _lengths;
    private readonly string _batchShape;

    /// <summary>Adds the inputs that all layers share, and the rotary tables.</summary>
    public CudaGroupQueryAttention(OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, int positions)
    {
        (_tensors, _config, _positions) = (tensors, config, positions);
        _batchShape = graph.Input("attention_shape", DataType.Int64, 3);
        _lengths =
        [
            graph.Input("seqlens_k", DataType.Int32, "sequences"),
            graph.Input("total_sequence_length", DataType.Int32, 1),
        ];
        _rotary = new RotaryInitializers(graph, positions, graph.Activations).AddAll(config);
        graph.Constant<long>(FlatShape, DataType.Int64, [-1, (long)config.Shape.QueryHeads * config.Shape.HeadSize], 2);
    }

    /// <remarks>On CUDA the operator would; on the CPU, where the graph is rehearsed, it does not.</remarks>
    public bool Applies(HeadNorm norm) => false;

    /// <inheritdoc />
    public string Emit(OnnxGraphBuilder graph, int layer, DecoderLayerWeights weights, string qkv, HeadNormEmitter headNorms)
    {
        var (shape, attention) = (_config.Shape, _config.Layers[layer]);
        var name = $"layers.{layer}.attention";
        object[] dimensions = ["sequences", shape.KeyValueHeads, "slot_positions", shape.HeadSize];
        var type = graph.Activations.Onnx;
        var keys = graph.Input($"key_cache.{layer}", type, dimensions);
        var values = graph.Input($"value_cache.{layer}", type, dimensions);
        graph.Output($"key_cache_out.{layer}", type, dimensions);
        graph.Output($"value_cache_out.{layer}", type, dimensions);
        var batch = graph.Node($"{name}.batch", "Reshape", "", [qkv, _batchShape]);
        var (cosines, sines) = attention.Rotary is { } settings ? _rotary.Of(settings, shape.HeadSize) : ("", "");
        var sinks = SinkInitializer.Add(graph, _tensors, layer, weights.Sinks, shape.QueryHeads, graph.Activations);
        // Inputs 9 and 10: positions, a bias of the scores.
        string[] inputs = [batch, "", "", keys, values, .. _lengths, cosines, sines, "", "", sinks];
        var heads = graph.Node(
            $"{name}.heads",
            "GroupQueryAttention",
            OnnxGraphBuilder.MicrosoftDomain,
            inputs[..(Array.FindLastIndex(inputs, input => input.Length > 0) + 1)],
            [$"{name}.heads", $"key_cache_out.{layer}", $"value_cache_out.{layer}"],
            ("num_heads", shape.QueryHeads),
            ("kv_num_heads", shape.KeyValueHeads),
            ("scale", (float)attention.Scale),
            ("softcap", (float)attention.Softcap),
            ("do_rotary", attention.Rotary is null ? 0 : 1),
            ("rotary_interleaved", attention.Rotary is { IsInterleaved: true } ? 1 : 0),
            ("local_window_size", attention.Window > 0 && attention.Window < _positions ? attention.Window : -1));
        return graph.Node(name, "Reshape", "", [heads[0], FlatShape]);
    }
}
