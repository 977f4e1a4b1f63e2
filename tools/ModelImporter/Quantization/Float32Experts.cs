using System.Buffers;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Experts in fp32 as the checkpoint lays them out [experts, outputs, inputs].</summary>
/// <param name="rounding">Rounds the weights before they are stored in fp32; null leaves them as they are.</param>
internal sealed class Float32Experts(PackedFormat? rounding) : ExpertFormat
{
    private const int ChunkElements = 1 << 20;

    public override string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name, string input, string logits)
    {
        var correction = Correction(graph, tensors, mixture, name);
        var (gateUp, down) = (Reserve(graph, mixture.GateUp), Reserve(graph, mixture.Down));
        for (var expert = 0; expert < mixture.Settings.Experts; expert++)
        {
            Fill(graph, tensors, mixture.GateUp[expert], gateUp, expert);
            Fill(graph, tensors, mixture.Down[expert], down, expert);
        }

        return graph.Node(
            name, "MixtureOfExperts", OnnxGraphBuilder.ParleyDomain,
            Inputs(input, logits, correction, gateUp.Name, Bias(graph, tensors, mixture.GateUp), down.Name,
                Bias(graph, tensors, mixture.Down), Scales(graph, tensors, mixture, name)),
            [.. Attributes(mixture, mixture.Settings.Width)]);
    }

    /// <summary>Plans matrices of one size, one after the other.</summary>
    /// <returns>Value [matrices, outputs, inputs].</returns>
    public string Plan(OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> linears)
    {
        var target = Reserve(graph, linears);
        for (var i = 0; i < linears.Count; i++)
            Fill(graph, tensors, linears[i], target, i);
        return target.Name;
    }

    private static TensorTarget Reserve(OnnxGraphBuilder graph, IReadOnlyList<LinearWeights> experts) => ElementType.Float32.Reserve(
        graph, $"{experts[0].Stack}.weight", experts.Count, experts[0].Outputs, experts[0].Inputs);

    private void Fill(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, TensorTarget target, int expert)
    {
        var elements = (long)linear.Outputs * linear.Inputs;
        // Planned before any fill runs, as the package itself would be.
        var matrix = rounding?.Split(tensors, linear) is [var single] ? single : null;
        graph.FillPart(
            (data, options) =>
            {
                var coder = matrix is null ? null : rounding!.Coder(tensors, matrix, options);
                var rows = Math.Clamp(ChunkElements / linear.Inputs, 1, linear.Outputs);
                Parallel.For(0, (linear.Outputs + rows - 1) / rows, options, chunk =>
                {
                    var (first, count) = (chunk * rows, Math.Min(rows, linear.Outputs - (chunk * rows)));
                    var buffer = ArrayPool<float>.Shared.Rent(count * linear.Inputs);
                    for (var row = 0; row < count; row++)
                    {
                        var weights = buffer.AsSpan(row * linear.Inputs, linear.Inputs);
                        if (coder is null)
                            linear.Read(tensors, first + row, 0, weights);
                        else
                            matrix!.Widen(coder, first + row, weights);
                    }

                    ElementType.Float32.Write(
                        data, target, (expert * elements) + ((long)first * linear.Inputs), buffer.AsSpan(0, count * linear.Inputs));
                    ArrayPool<float>.Shared.Return(buffer);
                });
            },
            target, expert * elements * sizeof(float), elements * sizeof(float));
    }
}
