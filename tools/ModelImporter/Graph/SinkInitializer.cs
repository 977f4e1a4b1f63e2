using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Graph;

/// <summary>Logits of the heads of a layer that have no value.</summary>
internal static class SinkInitializer
{
    /// <summary>Plans them.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="tensor">Tensor [heads]; null for none.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="type">Type of the operator's input.</param>
    /// <returns>Value [heads]; "" for none.</returns>
    public static string Add(OnnxGraphBuilder graph, CheckpointTensors tensors, int layer, string? tensor, int heads, ElementType type)
    {
        if (tensor is null)
            return "";
        var reserved = type.Reserve(graph, $"layers.{layer}.sinks", heads);
        graph.Fill(
            (data, _) =>
            {
                var values = new float[heads];
                tensors.Read(tensor, 0, values);
                type.Write(data, reserved, 0, values);
            },
            reserved);
        return reserved.Name;
    }
}
