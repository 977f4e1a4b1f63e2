using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>
/// The operator <c>ai.parley.PerHeadLinear</c>, version 1: each head of a row times a matrix of its own, of floats. The arithmetic is
/// <see cref="PerHeadStep"/>.
/// </summary>
internal sealed unsafe class PerHeadLinearOp : CustomOp
{
    public const string OpName = "PerHeadLinear";

    public override string Name => OpName;

    /// <summary>Rows, as <see cref="PerHeadSettings"/> has them; weights [heads, outputs, inputs].</summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } = [TensorElementType.Float, TensorElementType.Float];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override CustomOpNode CreateNode(void* info) => PerHeadLinearNode.Read(info);
}
