using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// <c>com.microsoft.PagedAttention</c>: caches, cosines and sines in the activations' type, and bounds of the step's lengths in the CPU's
/// memory (input 16), without which each layer would wait for the device. It writes the caches in place; its optional cache outputs are
/// left out.
/// </summary>
/// <remarks>The rehearsal has our own operator instead, which takes the same first ten inputs.</remarks>
internal sealed class CudaPagedAttention : IAttentionEmitter
{
    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly int _positions;
    private readonly ElementType _type;
    private readonly string _domain;
    private readonly string[] _batch;
    private readonly string _metadata;
    private readonly RotaryInitializers _rotary;

    /// <summary>Adds the inputs that all layers share.</summary>
    public CudaPagedAttention(
        OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, int positions, GraphTarget target)
    {
        (_tensors, _config, _positions, _type) = (tensors, config, positions, graph.Activations);
        _domain = target.Device == GraphTarget.Rehearsal ? OnnxGraphBuilder.ParleyDomain : OnnxGraphBuilder.MicrosoftDomain;
        _batch =
        [
            graph.Input("cumulative_sequence_length", DataType.Int32, "sequences_plus_one"),
            graph.Input("past_seqlens", DataType.Int32, "sequences"),
            graph.Input("block_table", DataType.Int32, "sequences", "blocks_per_sequence"),
        ];
        _metadata = graph.Input("attention_metadata", DataType.Int32, 3);
        _rotary = new RotaryInitializers(graph, positions, _type).AddAll(config);
    }

    public bool Applies(HeadNorm norm) => norm is { Kind: HeadNormKind.PerHead, Settings.Kind: NormKind.RootMeanSquare };

    /// <inheritdoc />
    public string Emit(OnnxGraphBuilder graph, int layer, DecoderLayerWeights weights, string qkv, HeadNormEmitter headNorms)
    {
        var (shape, attention) = (_config.Shape, _config.Layers[layer]);
        object[] dimensions = ["blocks", "block_size", shape.KeyValueHeads, shape.HeadSize];
        var keys = graph.Input($"key_cache.{layer}", _type.Onnx, dimensions);
        var values = graph.Input($"value_cache.{layer}", _type.Onnx, dimensions);
        var (cosines, sines) = attention.Rotary is { } rotary ? _rotary.Of(rotary, shape.HeadSize) : ("", "");
        var (queryNorm, keyNorm) = headNorms.ReserveFused(layer, weights);
        var sinks = SinkInitializer.Add(graph, _tensors, layer, weights.Sinks, shape.QueryHeads, _type);
        // Inputs 10, 14 and 15: slot mapping, scales of a quantised cache.
        string[] inputs = [qkv, "", "", keys, values, .. _batch, cosines, sines, "", sinks, queryNorm, keyNorm, "", "", _metadata];
        if (_domain == OnnxGraphBuilder.ParleyDomain)
            inputs = inputs[..(Array.FindLastIndex(inputs, inputs.Length - 2, input => input.Length > 0) + 1)];
        (string, object)[] norm = attention.HeadNorm is { } headNorm && Applies(headNorm)
            ? [("qk_norm_epsilon", headNorm.Settings.Epsilon)] : [];
        return graph.Node(
            $"layers.{layer}.attention",
            "PagedAttention",
            _domain,
            inputs,
            [
                ("num_heads", shape.QueryHeads),
                ("kv_num_heads", shape.KeyValueHeads),
                ("scale", (float)attention.Scale),
                ("softcap", (float)attention.Softcap),
                ("do_rotary", attention.Rotary is null ? 0 : 1),
                ("rotary_interleaved", attention.Rotary is { IsInterleaved: true } ? 1 : 0),
                ("local_window_size", attention.Window > 0 && attention.Window < _positions ? attention.Window : -1),
                .. norm,
            ]);
    }
}
