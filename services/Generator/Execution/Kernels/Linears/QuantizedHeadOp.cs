using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// The operator <c>ai.parley.QuantizedHead</c>, version 1: a linear of 8 bits whose rows may want only their best outputs. For a row that
/// asks for the n best, these, and all that tie with the last of them, come out as <see cref="QuantizedLinearOp"/> gives them, bit for
/// bit, and every other output comes out below them; so whoever looks at the n best only cannot tell the difference. For a row
/// that asks for 0, all outputs are exact.
/// </summary>
internal sealed unsafe class QuantizedHeadOp : CustomOp
{
    public const string OpName = "QuantizedHead";

    public override string Name => OpName;

    /// <summary>Activations [rows, inputs]; codes; scales; how many of the best outputs count [rows], 0 for all.</summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
        [TensorElementType.Float, TensorElementType.UInt8, TensorElementType.Float16, TensorElementType.Int32];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => QuantizedHeadNode.Read(info);
}
