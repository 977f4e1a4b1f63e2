using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>
/// The operator <c>ai.parley.LatentAttention</c>, version 1: attention whose cache holds one latent per token for all heads. It changes its
/// two cache inputs in place. The arithmetic is <see cref="LatentAttentionKernel"/>.
/// </summary>
internal sealed unsafe class LatentAttentionOp : CustomOp
{
    public const string OpName = "LatentAttention";

    /// <summary>ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED: any type will do.</summary>
    private const TensorElementType AnyType = 0;

    public override string Name => OpName;

    /// <summary>
    /// Queries in the latent's space [heads · tokens, rank]; queries [tokens, heads · query size]; new rows [tokens, rank + rotary size];
    /// the caches of turned parts and of latents; lengths, lengths and blocks; cosines and sines [positions, pairs]; the weight of the
    /// latent's norm [rank].
    /// </summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, AnyType, AnyType,
        TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Float, TensorElementType.Float,
        TensorElementType.Float,
    ];

    /// <summary>Weighted latents [heads · tokens, rank].</summary>
    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => LatentAttentionNode.Read(info);
}
