using System.Buffers;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Experts as ONNX Runtime's MoE has them, for CUDA: [experts, outputs, inputs] in the type of the activations, rows of gate and up in
/// turn. Its SwiGLU is (up + beta) · gate · sigmoid(alpha · gate), which is SiLU(gate) · up without the two.
/// </summary>
internal sealed class MoeExperts(ElementType type) : ExpertFormat
{
    private const int ChunkElements = 1 << 20;
    private const int Interleaved = 1;

    public override string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name, string input, string logits)
    {
        var settings = mixture.Settings;
        var (gateUp, down) = (Plan(graph, tensors, mixture.GateUp, inTurn: true), Plan(graph, tensors, mixture.Down, inTurn: false));
        var attributes = new List<(string Name, object Value)>
        {
            ("activation_type", "swiglu"), ("swiglu_fusion", Interleaved), ("k", settings.Chosen),
            // The softmax over the chosen is that over all, divided by their sum.
            ("normalize_routing_weights", settings.Normalizes || settings.Scoring == RouterScoring.SoftmaxOfChosen ? 1 : 0),
            ("activation_alpha", (float)settings.Alpha), ("activation_beta", settings.IsClamped ? 1f : 0f),
        };
        if (settings.IsClamped)
            attributes.Add(("swiglu_limit", (float)settings.Limit));
        return graph.Node(
            name, "MoE", OnnxGraphBuilder.MicrosoftDomain,
            Inputs(input, logits, gateUp, PlanBias(graph, tensors, mixture.GateUp, inTurn: true), down,
                PlanBias(graph, tensors, mixture.Down, inTurn: false)),
            [.. attributes]);
    }

    /// <summary>Where a row of the operator lies in the checkpoint, whose gates come before its ups.</summary>
    public static int SourceRow(int row, int rows, bool inTurn) => inTurn ? (row % 2 * (rows / 2)) + (row / 2) : row;

    private string Plan(OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> experts, bool inTurn)
    {
        var (outputs, inputs) = (experts[0].Outputs, experts[0].Inputs);
        var target = type.Reserve(graph, $"{experts[0].Stack}.weight", experts.Count, outputs, inputs);
        var elements = (long)outputs * inputs;
        for (var expert = 0; expert < experts.Count; expert++)
        {
            var (linear, start) = (experts[expert], expert * elements);
            graph.FillPart(
                (data, options) =>
                {
                    var rows = Math.Clamp(ChunkElements / inputs, 1, outputs);
                    Parallel.For(0, (outputs + rows - 1) / rows, options, chunk =>
                    {
                        var (first, count) = (chunk * rows, Math.Min(rows, outputs - (chunk * rows)));
                        var buffer = ArrayPool<float>.Shared.Rent(count * inputs);
                        for (var row = 0; row < count; row++)
                            linear.Read(tensors, SourceRow(first + row, outputs, inTurn), 0, buffer.AsSpan(row * inputs, inputs));
                        type.Write(data, target, start + ((long)first * inputs), buffer.AsSpan(0, count * inputs));
                        ArrayPool<float>.Shared.Return(buffer);
                    });
                },
                target, start * type.Bytes, elements * type.Bytes);
        }

        return target.Name;
    }

    /// <summary>Plans the biases of all experts in the type of the activations.</summary>
    /// <returns>Value [experts, outputs]; "" for none.</returns>
    public static string PlanBias(OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> experts, bool inTurn)
    {
        if (!experts[0].HasBias)
            return "";
        var (outputs, type) = (experts[0].Outputs, graph.Activations);
        var target = type.Reserve(graph, $"{experts[0].Stack}.bias", experts.Count, outputs);
        graph.Fill(
            (data, _) =>
            {
                for (var expert = 0; expert < experts.Count; expert++)
                {
                    var bias = experts[expert].ReadBias(tensors);
                    float[] ordered = [.. bias.Select((_, row) => bias[SourceRow(row, outputs, inTurn)])];
                    type.Write(data, target, (long)expert * outputs, ordered);
                }
            },
            target);
        return target.Name;
    }
}
