using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The operator <c>ai.parley.SequenceRotary</c>, version 1: cosines and sines of each token of a step, where its frequencies depend on how
/// long its sequence is (longrope, dynamic).
/// </summary>
internal sealed unsafe class SequenceRotaryOp : CustomOp
{
    public const string OpName = "SequenceRotary";

    public override string Name => OpName;

    /// <summary>
    /// Running sum of new tokens [sequences + 1]; tokens in the cache [sequences]; length that decides [sequences]; frequencies [pairs] up
    /// to the border; with longrope those beyond it [pairs].
    /// </summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Int32, TensorElementType.Float, TensorElementType.Float,
    ];

    /// <summary>Cosines and sines [tokens, pairs].</summary>
    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float, TensorElementType.Float];

    public override bool IsOptional(int input) => input == SequenceRotaryNode.LongInput;

    public override CustomOpNode CreateNode(void* info) => SequenceRotaryNode.Read(info);
}
