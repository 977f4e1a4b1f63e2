using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>What a mixture weighs its chosen experts with, as nodes, in fp32.</summary>
internal static class MoeRouting
{
    private const string CountName = "moe.chosen";
    private const string AxisName = "moe.axis";

    /// <summary>Adds the weights of all experts, of which those of the chosen count.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="settings">How it chooses: by softmax.</param>
    /// <param name="name">Of the mixture.</param>
    /// <param name="logits">Value [rows, experts] in the type of the activations.</param>
    /// <returns>Value [rows, experts] in the type of the activations.</returns>
    public static string Weights(OnnxGraphBuilder graph, MixtureSettings settings, string name, string logits)
    {
        var isWide = graph.Activations == ElementType.Float32;
        var wide = isWide ? logits : graph.Node($"{name}.wide", "Cast", "", [logits], ("to", (int)DataType.Float));
        var weights = graph.Node($"{name}.scores", "Softmax", "", [wide], ("axis", -1));
        if (settings.Normalizes || settings.Scoring == RouterScoring.SoftmaxOfChosen)
        {
            if (graph.TryClaim(CountName))
            {
                graph.Constant<long>(CountName, DataType.Int64, [settings.Chosen], 1);
                graph.Constant<long>(AxisName, DataType.Int64, [-1], 1);
            }

            var best = graph.Node($"{name}.best", "TopK", "", [weights, CountName], [$"{name}.best", $"{name}.best_ids"], ("axis", -1))[0];
            var sum = graph.Node($"{name}.best_sum", "ReduceSum", "", [best, AxisName], ("keepdims", 1));
            weights = graph.Node($"{name}.shares", "Div", "", [weights, sum]);
        }

        return isWide ? weights : graph.Node($"{name}.narrow", "Cast", "", [weights], ("to", (int)graph.Activations.Onnx));
    }
}
