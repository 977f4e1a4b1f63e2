using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// The operator <c>ai.parley.GatedDelta</c>, version 1: the gated delta rule with its norm and gate. It changes its states in place. The
/// arithmetic is <see cref="GatedDeltaKernel"/>.
/// </summary>
internal sealed unsafe class GatedDeltaOp : CustomOp
{
    public const string OpName = "GatedDelta";

    public override string Name => OpName;

    /// <summary>
    /// Queries, keys and values [rows, 2 · key heads · key size + value heads · value size]; rows that hold the gates; strengths and times
    /// [rows, 2 · value heads]; biases of the times and rates of decay [value heads]; weights of the norm [value size]; states
    /// [slots, value heads · key size · value size]; running sum of rows [sequences + 1]; slots in [sequences]; slots out [rows].
    /// </summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float,
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Int32,
    ];

    /// <summary>[rows, value heads · value size].</summary>
    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => GatedDeltaNode.Read(info);
}
