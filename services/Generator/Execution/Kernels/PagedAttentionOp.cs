using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The operator <c>ai.parley.PagedAttention</c>, version 1: the inputs of <c>com.microsoft.PagedAttention</c> in float32 on the CPU, but
/// for the caches, whose type is the caller's choice. It changes these two inputs in place. The arithmetic is
/// <see cref="PagedAttentionKernel"/>.
/// </summary>
internal sealed unsafe class PagedAttentionOp : CustomOp
{
    public const string OpName = "PagedAttention";

    /// <summary>ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED: any type will do.</summary>
    private const TensorElementType AnyType = 0;

    public override string Name => OpName;

    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, AnyType, AnyType,
        TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Float, TensorElementType.Float,
        TensorElementType.Int32, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float,
    ];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override bool IsOptional(int input) => input is 1 or 2 or >= 8;

    public override CustomOpNode CreateNode(void* info) => PagedAttentionNode.Read(info);
}
