using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Graph;

/// <summary>A norm of the residual stream, or of what is added to it: alone, or fused with the addition that it begins with.</summary>
/// <param name="graph">The graph.</param>
/// <param name="tensors">The checkpoint.</param>
/// <param name="settings">How it normalises.</param>
/// <param name="name">Name in the graph.</param>
/// <param name="weights">Its weights.</param>
internal sealed class NormEmitter(
    OnnxGraphBuilder graph, CheckpointTensors tensors, NormSettings settings, string name, NormWeights weights)
{
    /// <summary>Added to the mean of squares.</summary>
    public float Epsilon => settings.Epsilon;

    /// <summary>Factor on what it gives, which becomes part of its weights.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Tensor [1] of a further factor; null for none.</summary>
    public string? ScaleTensor { get; init; }

    /// <summary>It is nothing but a root mean square and weights: what operators fuse.</summary>
    public bool IsRootMeanSquare => settings.Kind == NormKind.RootMeanSquare && weights.Bias is null;

    /// <summary>Name of the value [tokens, hidden] in which the stream is with its update.</summary>
    public string SumName => $"{name}.sum";

    /// <summary>Adds a node that normalises.</summary>
    /// <returns>The normalised stream, and the stream with its update.</returns>
    public (string Normalized, string Residual) Emit(ResidualStream stream)
    {
        if (stream.Update is null)
            return (Emit(stream.Value), stream.Value);
        if (!IsRootMeanSquare)
        {
            var sum = graph.Node(SumName, "Add", "", [stream.Value, stream.Update]);
            return (Emit(sum), sum);
        }

        graph.Node(
            name, "SkipSimplifiedLayerNormalization", OnnxGraphBuilder.MicrosoftDomain, [stream.Update, stream.Value, ReserveWeight()],
            [name, "", "", SumName], ("epsilon", Epsilon));
        return (name, SumName);
    }

    /// <summary>Adds a node that normalises a value.</summary>
    public string Emit(string value)
    {
        (string, object)[] attributes = [("axis", -1), ("epsilon", Epsilon), ("stash_type", 1)];
        if (settings.Kind == NormKind.RootMeanSquare)
        {
            var normalized = graph.Node(name, "SimplifiedLayerNormalization", "", [value, ReserveWeight()], attributes);
            return weights.Bias is null ? normalized : graph.Node($"{name}.biased", "Add", "", [normalized, ReserveBias()]);
        }

        string[] inputs = weights.Bias is null ? [value, ReserveWeight()] : [value, ReserveWeight(), ReserveBias()];
        return graph.Node(name, "LayerNormalization", "", inputs, attributes);
    }

    /// <summary>Plans the norm's weight [width]; once.</summary>
    public string ReserveWeight() => Reserve("weight", () => weights.Read(tensors, settings));

    private string ReserveBias() => Reserve("bias", () => weights.ReadBias(tensors));

    private string Reserve(string part, Func<float[]> read)
    {
        var type = graph.Activations;
        var reserved = type.Reserve(graph, $"{name}.{part}", weights.Width);
        graph.Fill(
            (data, _) =>
            {
                var values = read();
                var scale = ScaleTensor is null ? Scale
                    : Scale * ActivationEmitter.ReadScalar(tensors, new ScalarWeight(ScaleTensor, true));
                for (var i = 0; i < values.Length && scale != 1; i++)
                    values[i] = (float)(values[i] * scale);
                type.Write(data, reserved, 0, values);
            },
            reserved);
        return reserved.Name;
    }
}
