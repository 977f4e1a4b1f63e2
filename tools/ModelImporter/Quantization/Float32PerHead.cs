using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Linears per head in fp32 [heads, outputs, inputs].</summary>
internal sealed class Float32PerHead : PerHeadFormat
{
    private readonly Float32Experts _matrices = new(rounding: null);

    public override string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> heads, string input, PerHeadRows rows)
    {
        var weights = _matrices.Plan(graph, tensors, heads);
        return graph.Node(heads[0].Stack!, "PerHeadLinear", OnnxGraphBuilder.ParleyDomain, [input, weights], [.. rows.Attributes(heads)]);
    }
}
