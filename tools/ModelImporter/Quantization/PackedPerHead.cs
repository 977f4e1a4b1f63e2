using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Linears per head in the layout of our own linears, one matrix after the other: on the grid of the file where it has one for all, else in
/// 8 bits whatever the others have. They are a small part of a model, and every score and value goes through them.
/// </summary>
/// <param name="format">Takes over what the file has rounded.</param>
internal sealed class PackedPerHead(PackedFormat format) : PerHeadFormat
{
    private const int Group = 32;

    /// <summary>What the linears become.</summary>
    public static ExpertMatrices Matrices(PackedFormat format, CheckpointTensors tensors, IReadOnlyList<LinearWeights> heads)
    {
        var isStored = heads.All(head => head.Parts.All(part => tensors.GridOf(part.Weight) is not null));
        return new ExpertMatrices(
            isStored ? format : new Int8Format(Group), tensors,
            [.. heads.Select(head => head.Padded(QuantizedLinearLayout.InputsMultiple, padsRows: false))]);
    }

    public override string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> heads, string input, PerHeadRows rows)
    {
        var matrices = Matrices(format, tensors, heads);
        matrices.Reserve(graph);
        for (var head = 0; head < heads.Count; head++)
            matrices.Fill(graph, head);
        return graph.Node(
            heads[0].Stack!, "QuantizedPerHeadLinear", OnnxGraphBuilder.ParleyDomain, [input, matrices.Codes, matrices.Halves],
            [.. rows.Attributes(heads), .. matrices.Matrix.Attributes.Where(attribute => attribute.Name != "N")]);
    }
}
