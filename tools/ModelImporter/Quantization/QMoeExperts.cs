using System.Buffers;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Experts of 4 bits as ONNX Runtime's QMoE has them, for CUDA: codes, scales and whole zero points by block, one size of block for both
/// matrices, rows of gate and up in turn. What it chooses by and weighs the chosen with (router_weights) is computed before it, so that no
/// kernel has a say in how scores are normalised.
/// </summary>
internal sealed class QMoeExperts(int blockMax) : ExpertFormat
{
    private const int Bits = 4;
    private const int Interleaved = 1;

    /// <summary>Kernels for CUDA have zero points in blocks from this size on.</summary>
    public const int BlockMin = 64;

    public override string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, MixtureWeights mixture, string name, string input, string logits)
    {
        var settings = mixture.Settings;
        var block = BlockFor(mixture.Router.Inputs, settings.Width, blockMax) ?? throw new InvalidDataException(
            $"{name}: blocks of at most {blockMax} are asked for; QMoE has zero points in blocks from {BlockMin} on.");
        var correction = Correction(graph, tensors, mixture, name);
        var (choice, weights) = MoeRouting.Emit(graph, settings, name, logits, correction);
        var gateUp = new Matrices(graph, tensors, mixture.GateUp, block, inTurn: true);
        var down = new Matrices(graph, tensors, mixture.Down, block, inTurn: false);
        var attributes = new List<(string Name, object Value)>
        {
            ("activation_type", "swiglu"), ("swiglu_fusion", Interleaved), ("k", settings.Chosen), ("normalize_routing_weights", 0),
            ("expert_weight_bits", Bits), ("block_size", block), ("weights_prepacked", 0),
            ("activation_alpha", (float)settings.Alpha), ("activation_beta", settings.IsClamped ? 1f : 0f),
        };
        if (settings.IsClamped)
            attributes.Add(("swiglu_limit", (float)settings.Limit));
        return graph.Node(
            name, "QMoE", OnnxGraphBuilder.MicrosoftDomain,
            [
                input, choice, gateUp.Codes, gateUp.Scales, MoeExperts.PlanBias(graph, tensors, mixture.GateUp, inTurn: true), down.Codes,
                down.Scales, MoeExperts.PlanBias(graph, tensors, mixture.Down, inTurn: false), "", "", "", gateUp.ZeroPoints,
                down.ZeroPoints, "", weights,
            ],
            [.. attributes]);
    }

    /// <summary>The largest block that divides both widths; null where none that the operator takes does.</summary>
    public static int? BlockFor(int hidden, int width, int blockMax) =>
        BlockLayout.BlockFor(hidden, blockMax) is { } one && BlockLayout.BlockFor(width, one) is { } both and >= BlockMin
            && hidden % both == 0 ? both : null;

    /// <summary>A matrix of each expert, one after the other.</summary>
    private sealed class Matrices
    {
        private readonly CheckpointTensors _tensors;
        private readonly TensorTarget _codes;
        private readonly TensorTarget _scales;
        private readonly TensorTarget _zeroPoints;
        private readonly ElementType _type;
        private readonly int _block;
        private readonly bool _inTurn;

        public Matrices(OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> experts, int block, bool inTurn)
        {
            (_tensors, _block, _inTurn, _type) = (tensors, block, inTurn, graph.Activations);
            var (count, outputs, inputs) = ((long)experts.Count, experts[0].Outputs, experts[0].Inputs);
            var (name, blocks) = (experts[0].Stack, inputs / block);
            var zeroBytes = (blocks + 1) / 2;
            _codes = graph.Reserve($"{name}.weight", DataType.Uint8, count * outputs * (inputs / 2), count, outputs, inputs / 2);
            _scales = _type.Reserve(graph, $"{name}.scale", count, outputs, blocks);
            _zeroPoints = graph.Reserve($"{name}.zero_point", DataType.Uint8, count * outputs * zeroBytes, count, outputs, zeroBytes);
            graph.Fill(
                (data, options) => Parallel.For(0, experts.Count, options, expert => Fill(data, experts[expert], expert)),
                _codes, _scales, _zeroPoints);
        }

        public string Codes => _codes.Name;

        public string Scales => _scales.Name;

        public string ZeroPoints => _zeroPoints.Name;

        private void Fill(DataFile data, LinearWeights linear, int expert)
        {
            var (inputs, blocks) = (linear.Inputs, linear.Inputs / _block);
            var (rowBytes, zeroBytes) = (inputs / 2, (blocks + 1) / 2);
            var (row, scales) = (ArrayPool<float>.Shared.Rent(inputs), new float[blocks]);
            var (codes, zeroPoints) = (new byte[rowBytes], new byte[zeroBytes]);
            for (var output = 0; output < linear.Outputs; output++)
            {
                var weights = row.AsSpan(0, inputs);
                linear.Read(_tensors, MoeExperts.SourceRow(output, linear.Outputs, _inTurn), 0, weights);
                ZeroPointQuantizer.Quantize(weights, _block, codes, scales, zeroPoints, _type.Round);
                var place = ((long)expert * linear.Outputs) + output;
                _codes.Write(data, place * rowBytes, codes);
                _type.Write(data, _scales, place * blocks, scales);
                _zeroPoints.Write(data, place * zeroBytes, zeroPoints);
            }

            ArrayPool<float>.Shared.Return(row);
        }
    }
}
