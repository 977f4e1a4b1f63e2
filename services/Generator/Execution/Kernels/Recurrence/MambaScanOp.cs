using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// The operator <c>ai.parley.MambaScan</c>, version 1: the scan of Mamba-2 with its gate and norm. It changes its states in place. The
/// arithmetic is <see cref="MambaScanKernel"/>.
/// </summary>
internal sealed unsafe class MambaScanOp : CustomOp
{
    public const string OpName = "MambaScan";

    public override string Name => OpName;

    /// <summary>
    /// Values, B and C [rows, heads · head size + 2 · groups · state size]; rows that hold the gates; times [rows, heads]; biases of the
    /// times, rates of decay and factors past the state [heads]; weights of the norm [heads · head size]; states [slots, heads · state size
    /// · head size]; running sum of rows [sequences + 1]; slots in [sequences]; slots out [rows].
    /// </summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float,
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Int32, TensorElementType.Int32,
        TensorElementType.Int32,
    ];

    /// <summary>[rows, heads · head size].</summary>
    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => MambaScanNode.Read(info);
}
