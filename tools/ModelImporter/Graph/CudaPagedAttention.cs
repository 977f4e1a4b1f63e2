using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
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
    /// <summary>Inputs 10 to 15: slot mapping, head sink, norms of query and key, scales of a quantised cache.</summary>
    private static readonly string[] LeftOut = ["", "", "", "", "", ""];

    private readonly DecoderConfig _config;
    private readonly ElementType _type;
    private readonly string _domain;
    private readonly string[] _shared;

    /// <summary>Adds the inputs that all layers share, and the rotary tables.</summary>
    public CudaPagedAttention(OnnxGraphBuilder graph, DecoderConfig config, int positions, GraphTarget target)
    {
        _config = config;
        _type = graph.Activations;
        _domain = target.Device == GraphTarget.Rehearsal ? OnnxGraphBuilder.ParleyDomain : OnnxGraphBuilder.MicrosoftDomain;
        string[] batch =
        [
            graph.Input("cumulative_sequence_length", DataType.Int32, "sequences_plus_one"),
            graph.Input("past_seqlens", DataType.Int32, "sequences"),
            graph.Input("block_table", DataType.Int32, "sequences", "blocks_per_sequence"),
        ];
        var metadata = graph.Input("attention_metadata", DataType.Int32, 3);
        var (cosines, sines) = RotaryInitializers.Add(graph, config, positions, _type);
        _shared = target.Device == GraphTarget.Rehearsal
            ? [.. batch, cosines, sines]
            : [.. batch, cosines, sines, .. LeftOut, metadata];
    }

    /// <inheritdoc />
    public string Emit(OnnxGraphBuilder graph, int layer, string qkv)
    {
        var shape = _config.Shape;
        object[] dimensions = ["blocks", "block_size", shape.KeyValueHeads, shape.HeadSize];
        var keys = graph.Input($"key_cache.{layer}", _type.Onnx, dimensions);
        var values = graph.Input($"value_cache.{layer}", _type.Onnx, dimensions);
        return graph.Node(
            $"layers.{layer}.attention",
            "PagedAttention",
            _domain,
            [qkv, "", "", keys, values, .. _shared],
            ("num_heads", shape.QueryHeads),
            ("kv_num_heads", shape.KeyValueHeads),
            ("scale", (float)(1 / Math.Sqrt(shape.HeadSize))),
            ("softcap", 0f),
            ("do_rotary", 1),
            ("rotary_interleaved", 0),
            ("local_window_size", -1));
    }
}
