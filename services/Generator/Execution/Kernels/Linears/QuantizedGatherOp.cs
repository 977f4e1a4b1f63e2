using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// The operator <c>ai.parley.QuantizedGather</c>, version 1: rows of a constant matrix in the layout of <see cref="QuantizedLinearOp"/>, so
/// that a tied embedding and head are stored once.
/// </summary>
internal sealed unsafe class QuantizedGatherOp : CustomOp
{
    public const string OpName = "QuantizedGather";

    public override string Name => OpName;

    /// <summary>Indices [rows]; codes; scales, with the minima.</summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
        [TensorElementType.Int64, TensorElementType.UInt8, TensorElementType.Float16];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => new QuantizedGatherNode(QuantizedMatrix.Read(info, codesInput: 1));
}
