using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// The node of each layer that has a state of a fixed size in the place of keys and values. It reads and writes slots of a graph input in
/// place; which ones, two inputs say that all layers share.
/// </summary>
internal sealed class RecurrenceEmitter
{
    private readonly OnnxGraphBuilder _graph;
    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly string[] _batch = [];

    /// <summary>Adds the inputs that all layers share, where some layer has a state.</summary>
    public RecurrenceEmitter(OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config)
    {
        (_graph, _tensors, _config) = (graph, tensors, config);
        if (config.Layers.All(layer => layer.Recurrence is null))
            return;
        _batch =
        [
            AttentionEmitter.CumulativeLengths,
            graph.Input("state_in", DataType.Int32, "sequences"),
            graph.Input("state_out", DataType.Int32, "tokens"),
        ];
    }

    /// <summary>Adds a layer's node.</summary>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="rows">What its first linear gives [tokens, its outputs].</param>
    /// <param name="factors">What its small linear gives, where it has one.</param>
    /// <returns>What its last linear reads.</returns>
    public string Emit(int layer, DecoderLayerWeights weights, string rows, string factors) =>
        (_config.Layers[layer].Recurrence, weights.Recurrence) switch
        {
            (ShortConvolution settings, ConvolutionWeights convolution) => Convolve(
                $"layers.{layer}.convolution", convolution, rows, States(settings, layer), ("gated", 1)),
            (GatedDelta settings, GatedDeltaWeights delta) => EmitDelta($"layers.{layer}", delta, rows, factors, States(settings, layer)),
            (MambaScan settings, MambaWeights mamba) => EmitMamba($"layers.{layer}", mamba, rows, factors, States(settings, layer)),
            var (settings, _) => throw new NotSupportedException($"No layer is a {settings?.GetType().Name}."),
        };

    /// <summary>Adds a gated delta rule: rows are queries, keys and values, then gates.</summary>
    private string EmitDelta(string layer, GatedDeltaWeights delta, string rows, string factors, string[] states)
    {
        var settings = delta.Settings;
        var mixed = Convolve($"{layer}.convolution", delta.Convolution, rows, states[..1], ("activated", 1));
        var name = $"{layer}.delta";
        return _graph.Node(
            name, "GatedDelta", OnnxGraphBuilder.ParleyDomain,
            [
                mixed, rows, factors,
                Reserve($"{name}.time_bias", () => delta.ReadTimeBias(_tensors), settings.ValueHeads),
                Reserve($"{name}.rates", () => delta.ReadRates(_tensors), settings.ValueHeads),
                Reserve($"{name}.norm", () => delta.ReadNorm(_tensors), settings.ValueSize),
                .. states[1..], .. _batch,
            ],
            ("key_heads", settings.KeyHeads), ("value_heads", settings.ValueHeads), ("key_size", settings.KeySize),
            ("gate_column", settings.Channels), ("tiled", settings.IsTiled(_tensors) ? 1 : 0), ("epsilon", _config.Norm.Epsilon));
    }

    /// <summary>Adds Mamba-2: rows are gates, then values, B and C.</summary>
    private string EmitMamba(string layer, MambaWeights mamba, string rows, string times, string[] states)
    {
        var settings = mamba.Settings;
        var mixed = Convolve(
            $"{layer}.convolution", mamba.Convolution, rows, states[..1], ("activated", 1), ("first_column", settings.Inner));
        var name = $"{layer}.mamba";
        return _graph.Node(
            name, "MambaScan", OnnxGraphBuilder.ParleyDomain,
            [
                mixed, rows, times,
                Reserve($"{name}.time_bias", () => mamba.ReadTimeBias(_tensors), settings.Heads),
                Reserve($"{name}.rates", () => mamba.ReadRates(_tensors), settings.Heads),
                Reserve($"{name}.skip", () => mamba.ReadSkip(_tensors), settings.Heads),
                Reserve($"{name}.norm", () => mamba.ReadNorm(_tensors), settings.Inner),
                .. states[1..], .. _batch,
            ],
            ("heads", settings.Heads), ("head_size", settings.HeadSize), ("state_size", settings.StateSize), ("groups", settings.Groups),
            ("gate_column", 0), ("epsilon", _config.Norm.Epsilon));
    }

    /// <summary>Adds a short convolution.</summary>
    private string Convolve(
        string name, ConvolutionWeights convolution, string rows, string[] states, params (string Name, object Value)[] attributes) =>
        _graph.Node(
            name, "ShortConvolution", OnnxGraphBuilder.ParleyDomain,
            [
                rows,
                Reserve($"{name}.weight", () => convolution.Read(_tensors), convolution.Width, convolution.Channels),
                convolution.Bias is null ? "" : Reserve($"{name}.bias", () => convolution.ReadBias(_tensors), convolution.Channels),
                .. states, .. _batch,
            ],
            attributes);

    private string[] States(LayerRecurrence settings, int layer) =>
        [.. settings.States(layer).Select(state => _graph.Input(state.InputName, DataType.Float, "slots", state.Elements))];

    /// <summary>Plans a constant of fp32.</summary>
    private string Reserve(string name, Func<float[]> read, params long[] dimensions)
    {
        var type = Quantization.ElementType.Float32;
        var reserved = type.Reserve(_graph, name, dimensions);
        _graph.Fill((data, _) => type.Write(data, reserved, 0, read()), reserved);
        return reserved.Name;
    }
}
