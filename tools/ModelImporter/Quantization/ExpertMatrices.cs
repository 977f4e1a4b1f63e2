using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>A matrix of each expert of a layer, all on one grid, one after the other.</summary>
internal sealed class ExpertMatrices
{
    private const int Group = 32;

    private readonly PackedFormat _format;
    private readonly CheckpointTensors _tensors;
    private readonly PackedMatrix[] _matrices;
    private TensorTarget? _codes;
    private TensorTarget? _halves;

    public ExpertMatrices(PackedFormat format, CheckpointTensors tensors, IReadOnlyList<LinearWeights> experts)
    {
        _tensors = tensors;
        // The first that has one grid for all; the last rounds everything.
        PackedFormat[] tried = [format, new Int8Format(Group), new Int8Format(Group, _ => false)];
        (_format, _matrices) = tried.Select(one => (Format: one, Matrices: Split(one, tensors, experts)))
            .Where(one => one.Matrices is not null).Select(one => (one.Format, one.Matrices!)).First();
    }

    /// <summary>What all became, in order of the experts.</summary>
    public IReadOnlyList<PackedMatrix> Matrices => _matrices;

    /// <summary>What made them.</summary>
    public PackedFormat Format => _format;

    public PackedMatrix Matrix => _matrices[0];

    public string Codes => _codes!.Name;

    public string Halves => _halves!.Name;

    public void Reserve(OnnxGraphBuilder graph)
    {
        var (matrix, count) = (Matrix, _matrices.Length);
        long blocks = (long)count * matrix.Planes * matrix.Blocks;
        var name = matrix.Linear.Stack;
        _codes = graph.Reserve($"{name}.weight", DataType.Uint8, blocks * matrix.BlockBytes, blocks, matrix.BlockBytes);
        _halves = graph.Reserve(
            $"{name}.scale", DataType.Float16, (long)count * matrix.Blocks * matrix.BlockHalves * sizeof(ushort),
            (long)count * matrix.Blocks, matrix.BlockHalves);
    }

    public void Fill(OnnxGraphBuilder graph, int expert) =>
        _format.PlanPart(graph, _tensors, _matrices[expert], _codes!, _halves!, expert);

    private static PackedMatrix[]? Split(PackedFormat format, CheckpointTensors tensors, IReadOnlyList<LinearWeights> experts)
    {
        var matrices = new PackedMatrix[experts.Count];
        for (var expert = 0; expert < matrices.Length; expert++)
        {
            if (format.Split(tensors, experts[expert]) is not [{ Grid.Order: null } matrix]
                || (expert > 0 && matrix.Grid != matrices[0].Grid))
                return null;
            matrices[expert] = matrix;
        }

        return matrices;
    }
}
