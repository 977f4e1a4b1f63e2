using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>How experts are stored and computed. All of a layer are one node, since each token goes through some of them.</summary>
internal abstract class ExpertFormat
{
    /// <summary>Adds the experts of a layer, without the router.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="mixture">The weights.</param>
    /// <param name="name">Of the node.</param>
    /// <param name="input">Value [rows, hidden].</param>
    /// <param name="logits">The router's, value [rows, experts].</param>
    /// <returns>Value [rows, hidden].</returns>
    public abstract string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name, string input, string logits);

    /// <summary>What every node says of how it chooses.</summary>
    /// <param name="mixture">The weights.</param>
    /// <param name="width">Width of an expert as it is stored.</param>
    protected static IEnumerable<(string Name, object Value)> Attributes(MixtureWeights mixture, int width)
    {
        var settings = mixture.Settings;
        return
        [
            ("experts", settings.Experts), ("top_k", settings.Chosen), ("hidden", mixture.Router.Inputs), ("intermediate", width),
            ("scoring", (int)settings.Scoring), ("normalize", settings.Normalizes ? 1 : 0),
            ("normalize_epsilon", (float)settings.NormalizeEpsilon), ("scale", (float)settings.Scale), ("groups", settings.Groups),
            ("groups_chosen", settings.GroupsChosen),
            .. settings.GroupBest == 2 ? [] : new (string, object)[] { ("group_best", settings.GroupBest) },
            ("activation", settings.IsClamped ? 1 : settings.Activation == Activation.GeluTanh ? 2 : 0), ("alpha", (float)settings.Alpha),
            ("limit", (float)settings.Limit),
        ];
    }

    /// <summary>Plans what is added to the scores for the choice.</summary>
    /// <returns>Value [experts]; "" for none.</returns>
    protected static string Correction(OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name) =>
        PlanNumbers(graph, tensors, mixture, mixture.Correction, $"{name}.correction");

    /// <summary>Plans factors on the experts.</summary>
    /// <returns>Value [experts]; "" for none.</returns>
    protected static string Scales(OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name) =>
        PlanNumbers(graph, tensors, mixture, mixture.ExpertScales, $"{name}.scales");

    private static string PlanNumbers(
        OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string? tensor, string name)
    {
        if (tensor is null)
            return "";
        var target = ElementType.Float32.Reserve(graph, name, mixture.Settings.Experts);
        graph.Fill(
            (data, _) =>
            {
                var values = new float[mixture.Settings.Experts];
                tensors.Read(tensor, 0, values);
                ElementType.Float32.Write(data, target, 0, values);
            },
            target);
        return target.Name;
    }

    /// <summary>Plans the biases of all experts.</summary>
    /// <returns>Value [experts, outputs]; "" for none.</returns>
    protected static string Bias(OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> experts)
    {
        if (!experts[0].HasBias)
            return "";
        var outputs = experts[0].Outputs;
        var target = ElementType.Float32.Reserve(graph, $"{experts[0].Stack}.bias", experts.Count, outputs);
        graph.Fill(
            (data, _) =>
            {
                for (var expert = 0; expert < experts.Count; expert++)
                    ElementType.Float32.Write(data, target, (long)expert * outputs, experts[expert].ReadBias(tensors));
            },
            target);
        return target.Name;
    }

    /// <summary>Inputs of a node without those at the end that are left out.</summary>
    protected static string[] Inputs(params string[] inputs) => inputs[..(Array.FindLastIndex(inputs, input => input.Length > 0) + 1)];
}
