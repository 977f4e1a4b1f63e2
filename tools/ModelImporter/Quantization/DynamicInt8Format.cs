using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// w8a8: int8 weights with a scale per output, uint8 activations with a scale per token, products in integers
/// (MatMulIntegerToFloat). The scale is per token, not per tensor, so that no row's result depends on the other rows of a step.
/// </summary>
internal sealed class DynamicInt8Format : LinearFormat
{
    private const float WeightMax = 127;
    private const int ExpertGroup = 32;

    /// <summary>Keeps the reciprocal finite for an output whose weights are all zero.</summary>
    private const float ScaleMin = 1e-30f;

    private bool _constants;

    /// <summary>Experts are on our own operator, in 8 bits.</summary>
    public override ExpertFormat Experts => new PackedExperts(new Int8Format(ExpertGroup));

    public override PerHeadFormat PerHead => new PackedPerHead(new Int8Format(ExpertGroup));

    protected internal override string EmitProduct(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights linear, string input)
    {
        var weight = graph.Reserve(
            $"{linear.Name}.weight", DataType.Int8, (long)linear.Inputs * linear.Outputs, linear.Inputs, linear.Outputs);
        var scale = graph.Reserve($"{linear.Name}.scale", DataType.Float, (long)linear.Outputs * sizeof(float), linear.Outputs);
        graph.Fill((data, options) => Fill(tensors, linear, weight, scale, data, options), weight, scale);

        AddConstants(graph);
        var name = linear.Name;
        var magnitude = graph.Node($"{name}.abs", "Abs", "", [input]);
        var largest = graph.Node($"{name}.max", "ReduceMax", "", [magnitude, "quantize.axis"], ("keepdims", 1));
        var step = graph.Node($"{name}.max_scaled", "Mul", "", [largest, "quantize.step"]);
        var tokenScale = graph.Node($"{name}.token_scale", "Add", "", [step, "quantize.tiny"]);
        var scaled = graph.Node($"{name}.scaled", "Div", "", [input, tokenScale]);
        var rounded = graph.Node($"{name}.rounded", "Round", "", [scaled]);
        var shifted = graph.Node($"{name}.shifted", "Add", "", [rounded, "quantize.middle"]);
        var quantized = graph.Node($"{name}.quantized", "Cast", "", [shifted], ("to", (int)DataType.Uint8));
        var product = graph.Node(
            $"{name}.product", "MatMulIntegerToFloat", OnnxGraphBuilder.MicrosoftDomain,
            [quantized, weight.Name, "quantize.one", scale.Name, "quantize.zero_point"]);
        return graph.Node(name, "Mul", "", [product, tokenScale]);
    }

    private void AddConstants(OnnxGraphBuilder graph)
    {
        if (_constants)
            return;
        _constants = true;
        graph.Constant<long>("quantize.axis", DataType.Int64, [-1], 1);
        graph.Constant("quantize.step", DataType.Float, [1 / 127f]);
        graph.Constant("quantize.tiny", DataType.Float, [1e-9f]);
        graph.Constant("quantize.middle", DataType.Float, [128f]);
        graph.Constant("quantize.one", DataType.Float, [1f]);
        graph.Constant<byte>("quantize.zero_point", DataType.Uint8, [128]);
    }

    private static void Fill(
        CheckpointTensors tensors, LinearWeights linear, TensorTarget weight, TensorTarget scale, DataFile data, ParallelOptions options)
    {
        var scales = new float[linear.Outputs];
        TransposedMatrix.Write<sbyte>(linear, weight, data, options, (row, codes) =>
        {
            var values = ArrayPool<float>.Shared.Rent(linear.Inputs);
            var weights = values.AsSpan(0, linear.Inputs);
            linear.Read(tensors, row, 0, weights);
            scales[row] = Math.Max(MathF.Abs(TensorPrimitives.MaxMagnitude<float>(weights)) / WeightMax, ScaleMin);
            TensorPrimitives.Multiply(weights, 1 / scales[row], weights);
            TensorPrimitives.Round(weights, weights);
            TensorPrimitives.ConvertTruncating<float, sbyte>(weights, codes);
            ArrayPool<float>.Shared.Return(values);
        });
        scale.Write(data, 0, MemoryMarshal.AsBytes<float>(scales));
    }
}
