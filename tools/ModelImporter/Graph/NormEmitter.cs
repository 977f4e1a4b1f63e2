using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Graph;

/// <summary>A root-mean-square norm of the residual stream: alone, or fused with the addition that it begins with.</summary>
/// <param name="graph">The graph.</param>
/// <param name="tensors">The checkpoint.</param>
/// <param name="config">The decoder.</param>
/// <param name="name">Name in the graph.</param>
/// <param name="weight">Tensor [hidden].</param>
internal sealed class NormEmitter(OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config, string name, string weight)
{
    /// <summary>Added to the mean of squares.</summary>
    public float Epsilon => config.NormEpsilon;

    /// <summary>Name of the value [tokens, hidden] in which the stream is with its update.</summary>
    public string SumName => $"{name}.sum";

    /// <summary>Adds a node that normalises.</summary>
    /// <returns>The normalised stream, and the stream with its update.</returns>
    public (string Normalized, string Residual) Emit(ResidualStream stream)
    {
        if (stream.Update is null)
        {
            var normalized = graph.Node(
                name, "SimplifiedLayerNormalization", "", [stream.Value, ReserveWeight()],
                ("axis", -1), ("epsilon", Epsilon), ("stash_type", 1));
            return (normalized, stream.Value);
        }

        graph.Node(
            name, "SkipSimplifiedLayerNormalization", OnnxGraphBuilder.MicrosoftDomain, [stream.Update, stream.Value, ReserveWeight()],
            [name, "", "", SumName], ("epsilon", Epsilon));
        return (name, SumName);
    }

    /// <summary>Plans the norm's weight [hidden]; once.</summary>
    public string ReserveWeight()
    {
        var width = config.Shape.HiddenSize;
        var type = graph.Activations;
        var reserved = type.Reserve(graph, $"{name}.weight", width);
        graph.Fill(
            (data, _) =>
            {
                var values = new float[width];
                tensors.Read(weight, 0, values);
                type.Write(data, reserved, 0, values);
            },
            reserved);
        return reserved.Name;
    }
}
