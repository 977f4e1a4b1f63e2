using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Experts in the layout of our own linears, one matrix after the other. All of a layer lie on one grid: that of the file where it has one
/// for all of them, 8 bits where gate and up differ. Widths that the layout does not take get zeros behind them.
/// </summary>
internal sealed class PackedExperts(PackedFormat format) : ExpertFormat
{
    /// <summary>Gate and up of each expert, as wide and as long as the layout takes them.</summary>
    public static LinearWeights[] GateUps(MixtureWeights mixture) =>
        [.. mixture.GateUp.Select(linear => linear.Padded(QuantizedLinearLayout.InputsMultiple, padsRows: true))];

    /// <summary>The way back of each expert, as wide as the layout takes it.</summary>
    public static LinearWeights[] Downs(MixtureWeights mixture) =>
        [.. mixture.Down.Select(linear => linear.Padded(QuantizedLinearLayout.InputsMultiple, padsRows: false))];

    public override string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name, string input, string logits)
    {
        var correction = Correction(graph, tensors, mixture, name);
        var (gateUps, downs) = (GateUps(mixture), Downs(mixture));
        var (gateUp, down) = (new ExpertMatrices(format, tensors, gateUps), new ExpertMatrices(format, tensors, downs));
        gateUp.Reserve(graph);
        down.Reserve(graph);
        for (var expert = 0; expert < mixture.Settings.Experts; expert++)
        {
            gateUp.Fill(graph, expert);
            down.Fill(graph, expert);
        }

        return graph.Node(
            name, "QuantizedMixtureOfExperts", OnnxGraphBuilder.ParleyDomain,
            Inputs(input, logits, correction, gateUp.Codes, gateUp.Halves, Bias(graph, tensors, gateUps), down.Codes, down.Halves,
                Bias(graph, tensors, downs), Scales(graph, tensors, mixture, name)),
            [
                .. Attributes(mixture, downs[0].Inputs), .. Describe("gate_up", gateUp.Matrix), .. Describe("down", down.Matrix),
            ]);
    }

    private static IEnumerable<(string Name, object Value)> Describe(string name, PackedMatrix matrix) => matrix.Attributes
        .Where(attribute => attribute.Name is "layout" or "bits" or "group" or "levels")
        .Select(attribute => ($"{name}_{attribute.Name}", attribute.Value));
}
