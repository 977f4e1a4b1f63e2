using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The operator <c>ai.parley.PagedAttention</c>, version 1: the inputs of <c>com.microsoft.PagedAttention</c> in float32 on the CPU.
/// It changes the two cache inputs in place. The arithmetic is <see cref="PagedAttentionKernel"/>.
/// </summary>
internal sealed unsafe class PagedAttentionOp : CustomOp
{
    public const string OpName = "PagedAttention";

    public override string Name => OpName;

    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float,
        TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Float, TensorElementType.Float,
    ];

    public override TensorElementType Output => TensorElementType.Float;

    public override bool IsOptional(int input) => input is 1 or 2 or 8 or 9;

    public override CustomOpNode CreateNode(void* info) => PagedAttentionNode.Read(info);
}
