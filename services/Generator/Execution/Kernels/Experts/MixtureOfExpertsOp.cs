using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>
/// The operator <c>ai.parley.MixtureOfExperts</c>, version 1: rows through the experts that a router chooses for each, whose matrices are
/// floats. The arithmetic is <see cref="FloatExperts"/>.
/// </summary>
internal sealed unsafe class MixtureOfExpertsOp : CustomOp
{
    public const string OpName = "MixtureOfExperts";

    public override string Name => OpName;

    /// <summary>
    /// Rows [rows, hidden]; logits [rows, experts]; correction [experts]; gate and up [experts, 2 · intermediate, hidden] and their bias
    /// [experts, 2 · intermediate]; down [experts, hidden, intermediate] and its bias [experts, hidden]; factors on the experts [experts].
    /// </summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } = [.. Enumerable.Repeat(TensorElementType.Float, 8)];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override bool IsOptional(int input) =>
        input is ExpertInputs.Correction or MixtureOfExpertsNode.GateUpBias or MixtureOfExpertsNode.DownBias or MixtureOfExpertsNode.Scales;

    public override CustomOpNode CreateNode(void* info) => MixtureOfExpertsNode.Read(info);
}
