using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>What a mixture chooses by, and what it weighs the chosen with, as nodes in fp32.</summary>
internal static class MoeRouting
{
    private const string CountName = "moe.chosen";
    private const string AxisName = "moe.axis";

    /// <summary>Adds both, each for all experts; of the weights those of the chosen count.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="settings">How it chooses: by softmax, or by sigmoid in one group.</param>
    /// <param name="name">Of the mixture.</param>
    /// <param name="logits">Value [rows, experts] in the type of the activations.</param>
    /// <param name="correction">Value [experts] in fp32, added for the choice; "" for none.</param>
    /// <returns>Values [rows, experts] in the type of the activations.</returns>
    public static (string Choice, string Weights) Emit(
        OnnxGraphBuilder graph, MixtureSettings settings, string name, string logits, string correction)
    {
        var isWide = graph.Activations == ElementType.Float32;
        var wide = isWide ? logits : graph.Node($"{name}.wide", "Cast", "", [logits], ("to", (int)DataType.Float));
        var scores = settings.Scoring == RouterScoring.Sigmoid
            ? graph.Node($"{name}.scores", "Sigmoid", "", [wide]) : graph.Node($"{name}.scores", "Softmax", "", [wide], ("axis", -1));
        var choice = correction.Length == 0 ? scores : graph.Node($"{name}.corrected", "Add", "", [scores, correction]);
        var weights = settings.Normalizes || settings.Scoring == RouterScoring.SoftmaxOfChosen
            ? Normalize(graph, settings, name, scores, choice) : scores;
        if (settings.Scale != 1)
            weights = graph.Node($"{name}.scaled", "Mul", "", [weights, Number(graph, "moe.scale", settings.Scale)]);
        return (Narrow("choice", choice), Narrow("weights", weights));

        string Narrow(string what, string value) => isWide ? value
            : graph.Node($"{name}.{what}", "Cast", "", [value], ("to", (int)graph.Activations.Onnx));
    }

    /// <summary>Scores over the sum of those of the chosen.</summary>
    private static string Normalize(OnnxGraphBuilder graph, MixtureSettings settings, string name, string scores, string choice)
    {
        if (graph.TryClaim(CountName))
        {
            graph.Constant<long>(CountName, DataType.Int64, [settings.Chosen], 1);
            graph.Constant<long>(AxisName, DataType.Int64, [-1], 1);
        }

        var best = graph.Node($"{name}.best", "TopK", "", [choice, CountName], [$"{name}.best", $"{name}.best_ids"], ("axis", -1));
        var chosen = choice == scores ? best[0]
            : graph.Node($"{name}.best_scores", "GatherElements", "", [scores, best[1]], ("axis", -1));
        var sum = graph.Node($"{name}.best_sum", "ReduceSum", "", [chosen, AxisName], ("keepdims", 1));
        if (settings.NormalizeEpsilon != 0)
            sum = graph.Node($"{name}.best_sum_above", "Add", "", [sum, Number(graph, "moe.epsilon", settings.NormalizeEpsilon)]);
        return graph.Node($"{name}.shares", "Div", "", [scores, sum]);
    }

    private static string Number(OnnxGraphBuilder graph, string name, double value) =>
        graph.TryClaim(name) ? graph.Constant<float>(name, DataType.Float, [(float)value], 1) : name;
}
