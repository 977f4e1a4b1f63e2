using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// The operator <c>ai.parley.ShortConvolution</c>, version 1: a causal convolution over a few rows, each channel by itself. It changes its
/// states in place. The arithmetic is <see cref="ShortConvolutionKernel"/>.
/// </summary>
internal sealed unsafe class ShortConvolutionOp : CustomOp
{
    public const string OpName = "ShortConvolution";

    public override string Name => OpName;

    /// <summary>
    /// Rows [rows, channels], or three times as wide where gated; weights [width, channels]; bias [channels]; states [slots, (width − 1) ·
    /// channels]; running sum of rows [sequences + 1]; slots in [sequences]; slots out [rows].
    /// </summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float, TensorElementType.Float,
        TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Int32,
    ];

    /// <summary>[rows, channels].</summary>
    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override bool IsOptional(int input) => input == ShortConvolutionNode.BiasInput;

    /// <exception cref="NotSupportedException">It would be gated and activated.</exception>
    public override CustomOpNode CreateNode(void* info)
    {
        var isGated = OrtCustomOpApi.GetInteger(info, "gated\0"u8, 0) != 0;
        var isActivated = OrtCustomOpApi.GetInteger(info, "activated\0"u8, 0) != 0;
        return isGated && isActivated ? throw new NotSupportedException("gated and activated exclude each other")
            : new ShortConvolutionNode(isGated, isActivated);
    }
}
