using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>
/// The operator <c>ai.parley.QuantizedPerHeadLinear</c>, version 1: each head of a row times a matrix of its own, in the layout of
/// <c>QuantizedLinear</c> and with its arithmetic.
/// </summary>
internal sealed unsafe class QuantizedPerHeadLinearOp : CustomOp
{
    public const string OpName = "QuantizedPerHeadLinear";

    public override string Name => OpName;

    /// <summary>Rows, as <see cref="PerHeadSettings"/> has them; codes and scales of the matrices, one after the other.</summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
        [TensorElementType.Float, TensorElementType.UInt8, TensorElementType.Float16];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => QuantizedPerHeadLinearNode.Read(info);
}
