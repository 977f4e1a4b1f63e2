using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Experts in the layout of our own linears, one matrix after the other. All of a layer lie on one grid: that of the file where it has one
/// for all of them, 8 bits where gate and up differ. Widths that the layout does not take get zeros behind them.
/// </summary>
internal sealed class PackedExperts(PackedFormat format) : ExpertFormat
{
    private const int Group = 32;

    public override string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name, string input, string logits)
    {
        var correction = Correction(graph, tensors, mixture, name);
        LinearWeights[] gateUps = [.. mixture.GateUp.Select(linear => linear.Padded(QuantizedLinearLayout.InputsMultiple, padsRows: true))];
        LinearWeights[] downs = [.. mixture.Down.Select(linear => linear.Padded(QuantizedLinearLayout.InputsMultiple, padsRows: false))];
        var (gateUp, down) = (new Stack(format, tensors, gateUps), new Stack(format, tensors, downs));
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
                Bias(graph, tensors, downs)),
            [
                .. Attributes(mixture, downs[0].Inputs), .. Describe("gate_up", gateUp.Matrix), .. Describe("down", down.Matrix),
            ]);
    }

    private static IEnumerable<(string Name, object Value)> Describe(string name, PackedMatrix matrix) => matrix.Attributes
        .Where(attribute => attribute.Name is "layout" or "bits" or "group" or "levels")
        .Select(attribute => ($"{name}_{attribute.Name}", attribute.Value));

    /// <summary>A matrix of all experts.</summary>
    private sealed class Stack
    {
        private readonly PackedFormat _format;
        private readonly CheckpointTensors _tensors;
        private readonly PackedMatrix[] _matrices;
        private TensorTarget? _codes;
        private TensorTarget? _halves;

        public Stack(PackedFormat format, CheckpointTensors tensors, IReadOnlyList<LinearWeights> experts)
        {
            _tensors = tensors;
            // The first that has one grid for all; the last rounds everything.
            PackedFormat[] tried = [format, new Int8Format(Group), new Int8Format(Group, _ => false)];
            (_format, _matrices) = tried.Select(one => (Format: one, Matrices: Split(one, tensors, experts)))
                .Where(one => one.Matrices is not null).Select(one => (one.Format, one.Matrices!)).First();
        }

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
                if (format.Split(tensors, experts[expert]) is not [var matrix] || (expert > 0 && matrix.Grid != matrices[0].Grid))
                    return null;
                matrices[expert] = matrix;
            }

            return matrices;
        }
    }
}
