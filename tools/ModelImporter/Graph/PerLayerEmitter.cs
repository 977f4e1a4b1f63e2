using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// Embeddings per layer. What each layer reads of a token is the same wherever that stands, so it is made for all layers at once, before
/// the first: a row of a table, and a projection of the token's embedding.
/// </summary>
internal sealed class PerLayerEmitter
{
    /// <summary>Inputs that operators of codes multiply come in multiples of this.</summary>
    private const int InputsMultiple = PackageFormat.QuantizedLinearLayout.InputsMultiple;

    private readonly OnnxGraphBuilder _graph;
    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly LinearFormat _linears;
    private readonly LinearFormat _narrow;
    private readonly string[] _inputs;

    /// <summary>Adds what all layers read.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="config">The decoder.</param>
    /// <param name="precision">How weights are stored and computed.</param>
    /// <param name="weights">The table and the projection.</param>
    /// <param name="embedding">Embeddings of the tokens, scaled [tokens, hidden].</param>
    /// <param name="ids">Their ids.</param>
    public PerLayerEmitter(
        OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, Precision precision, PerLayerWeights weights,
        string embedding, string ids)
    {
        (_graph, _tensors, _config, _linears) = (graph, tensors, config, precision.Linears);
        var (width, layers) = (config.PerLayer!.Width, config.Shape.Layers);
        _narrow = width % InputsMultiple == 0 ? _linears : new Float32Format();
        graph.Constant<long>("per_layer.by_layer", DataType.Int64, [0, layers, width], 3);
        graph.Constant<long>("per_layer.flat", DataType.Int64, [-1, weights.Table.Inputs], 2);
        graph.Constant<long>("per_layer.widths", DataType.Int64, Enumerable.Repeat((long)width, layers).ToArray(), layers);

        // Every layer reads it, and it is small: half a percent of an E-model.
        var projected = precision.Fine.Emit(graph, tensors, weights.Projection, embedding);
        var byLayer = graph.Node("per_layer.projected", "Reshape", "", [projected, "per_layer.by_layer"]);
        // What is projected is scaled by 1/√hidden, of which a norm leaves the epsilon alone; and both parts by 1/√2.
        var norm = config.Norm with { Epsilon = config.Norm.Epsilon * config.Shape.HiddenSize };
        var normalized = new NormEmitter(graph, tensors, norm, "per_layer.norm", weights.Norm) { Scale = Math.Sqrt(0.5) }.Emit(byLayer);
        var flat = graph.Node("per_layer.normalized", "Reshape", "", [normalized, "per_layer.flat"]);
        var all = new RowFormat(precision.Vocabulary.CodesRows)
            .Emit(graph, tensors, weights.Table, ids, flat, Math.Sqrt(0.5 * width));
        _inputs = graph.Node(
            "per_layer.parts", "Split", "", [all, "per_layer.widths"],
            [.. Enumerable.Range(0, layers).Select(layer => $"layers.{layer}.per_layer_input")], ("axis", -1));
    }

    /// <summary>Adds what a layer makes of its embeddings: projection(activation(gate(stream)) · embedding).</summary>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="stream">The residual stream.</param>
    /// <returns>The update before its norm, and the stream with the update that it came with.</returns>
    public (string Update, string Residual) Emit(int layer, PerLayerInput weights, ResidualStream stream)
    {
        var (gate, residual) = _linears.Emit(_graph, _tensors, weights.Gate, new LinearInput(stream, null));
        var name = $"layers.{layer}.per_layer";
        var opened = ActivationEmitter.Emit(_graph, _config.Activation, name, gate);
        var mixed = _graph.Node($"{name}.mixed", "Mul", "", [opened, _inputs[layer]]);
        return (_narrow.Emit(_graph, _tensors, weights.Projection, mixed), residual);
    }
}
