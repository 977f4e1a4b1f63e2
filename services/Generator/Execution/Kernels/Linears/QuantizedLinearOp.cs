using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// The operator <c>ai.parley.QuantizedLinear</c>, version 1: rows times a constant matrix of 4 or 8 bits in the layout of
/// <see cref="PackageFormat.QuantizedLinearLayout"/>. The arithmetic is <see cref="QuantizedLinearKernel"/>.
/// </summary>
internal sealed unsafe class QuantizedLinearOp : CustomOp
{
    public const string OpName = "QuantizedLinear";

    public override string Name => OpName;

    /// <summary>Activations [rows, inputs]; codes; scales, with the minima.</summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
        [TensorElementType.Float, TensorElementType.UInt8, TensorElementType.Float16];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => QuantizedLinearNode.Read(info);
}
