using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// The operator <c>ai.parley.NormalizedLinear</c>, version 1: adds an update to the residual stream, normalises the sum by its root mean
/// square, and multiplies it as <see cref="QuantizedLinearOp"/> does; the normalised rows are never written.
/// </summary>
internal sealed unsafe class NormalizedLinearOp : CustomOp
{
    public const string OpName = "NormalizedLinear";

    public override string Name => OpName;

    /// <summary>Residual [rows, inputs]; codes; scales, with the minima; the norm's weight [inputs]; update [rows, inputs].</summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
        [TensorElementType.Float, TensorElementType.UInt8, TensorElementType.Float16, TensorElementType.Float, TensorElementType.Float];

    /// <summary>The product [rows, outputs]; residual and update together [rows, inputs].</summary>
    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float, TensorElementType.Float];

    public override bool IsOptional(int input) => input == NormalizedLinearNode.UpdateInput;

    public override bool IsOptionalOutput(int output) => output == NormalizedLinearNode.SumOutput;

    public override CustomOpNode CreateNode(void* info) => NormalizedLinearNode.Read(info);
}
