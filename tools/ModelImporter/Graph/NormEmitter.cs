using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Graph;

/// <summary>Root-mean-square norms, alone or fused with the addition to the residual stream.</summary>
internal sealed class NormEmitter(OnnxGraphBuilder graph, CheckpointTensors tensors, DecoderConfig config)
{
    /// <summary>Normalises.</summary>
    /// <param name="name">Name in the graph.</param>
    /// <param name="weight">Tensor [hidden].</param>
    /// <param name="input">Value [tokens, hidden].</param>
    public string Normalize(string name, string weight, string input) =>
        graph.Node(
            name, "SimplifiedLayerNormalization", "", [input, Gamma(name, weight)],
            ("axis", -1), ("epsilon", config.NormEpsilon), ("stash_type", 1));

    /// <summary>Adds an update to the residual stream and normalises the sum.</summary>
    /// <returns>The normalised sum and the sum.</returns>
    public (string Normalized, string Residual) AddAndNormalize(string name, string weight, string update, string residual)
    {
        var outputs = graph.Node(
            name, "SkipSimplifiedLayerNormalization", OnnxGraphBuilder.MicrosoftDomain, [update, residual, Gamma(name, weight)],
            [name, "", "", $"{name}.sum"], ("epsilon", config.NormEpsilon));
        return (outputs[0], outputs[3]);
    }

    private string Gamma(string name, string weight)
    {
        var width = config.Shape.HiddenSize;
        var type = graph.Activations;
        var gamma = type.Reserve(graph, $"{name}.weight", width);
        graph.Fill(
            (data, _) =>
            {
                var values = new float[width];
                tensors.Read(weight, 0, values);
                type.Write(data, gamma, 0, values);
            },
            gamma);
        return gamma.Name;
    }
}
