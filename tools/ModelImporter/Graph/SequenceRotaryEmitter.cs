using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// Cosines and sines of each token of a step, where they depend on how long its sequence is: <c>ai.parley.SequenceRotary</c>, once for all
/// layers of the same positions.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="batch">cumulative_sequence_length and past_seqlens.</param>
internal sealed class SequenceRotaryEmitter(OnnxGraphBuilder graph, string[] batch)
{
    private readonly Dictionary<(RotarySettings Settings, int HeadSize), (string Cosines, string Sines)> _nodes = [];

    /// <summary>Adds the node, or finds it.</summary>
    /// <returns>Two values [tokens, rotary pairs].</returns>
    public (string Cosines, string Sines) Of(RotarySettings settings, int headSize)
    {
        if (_nodes.TryGetValue((settings, headSize), out var values))
            return values;
        if (_nodes.Count == 0)
            graph.Input("rotary_lengths", DataType.Int32, "sequences");
        var name = $"rotary.{_nodes.Count}.sequences";
        var isLong = settings.Scaling == RotaryScaling.LongRope;
        var brief = Frequencies($"{name}.short", RotaryTables.InverseFrequencies(settings, headSize));
        string[] inputs = isLong
            ? [.. batch, "rotary_lengths", brief, Frequencies($"{name}.long", RotaryTables.LongFrequencies(settings, headSize))]
            : [.. batch, "rotary_lengths", brief];
        var outputs = graph.Node(
            name, "SequenceRotary", OnnxGraphBuilder.ParleyDomain, inputs, [$"{name}.cos", $"{name}.sin"],
            ("border", settings.OriginalContext), ("theta", (float)settings.Theta), ("factor", (float)settings.Factor),
            ("attention_factor", (float)settings.AttentionFactor));
        return _nodes[(settings, headSize)] = (outputs[0], outputs[1]);
    }

    private string Frequencies(string name, float[] frequencies)
    {
        var reserved = ElementType.Float32.Reserve(graph, name, frequencies.Length);
        graph.Fill((data, _) => ElementType.Float32.Write(data, reserved, 0, frequencies), reserved);
        return reserved.Name;
    }
}
