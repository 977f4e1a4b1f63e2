using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>
/// The operator <c>ai.parley.QuantizedMixtureOfExperts</c>, version 1: rows through the experts that a router chooses for each, whose
/// matrices lie in the layout of <see cref="PackageFormat.QuantizedLinearLayout"/>. The arithmetic is <see cref="QuantizedExperts"/>.
/// </summary>
internal sealed unsafe class QuantizedMixtureOfExpertsOp : CustomOp
{
    public const string OpName = "QuantizedMixtureOfExperts";

    public override string Name => OpName;

    /// <summary>
    /// Rows [rows, hidden]; logits [rows, experts]; correction [experts]; codes, scales and bias [experts, 2 · intermediate] of gate and
    /// up; the same of down [experts, hidden]; factors on the experts [experts].
    /// </summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
    [
        TensorElementType.Float, TensorElementType.Float, TensorElementType.Float,
        TensorElementType.UInt8, TensorElementType.Float16, TensorElementType.Float,
        TensorElementType.UInt8, TensorElementType.Float16, TensorElementType.Float, TensorElementType.Float,
    ];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override bool IsOptional(int input) =>
        input is ExpertInputs.Correction or QuantizedMixtureOfExpertsNode.GateUpBias or QuantizedMixtureOfExpertsNode.DownBias
            or QuantizedMixtureOfExpertsNode.Scales;

    public override CustomOpNode CreateNode(void* info) => QuantizedMixtureOfExpertsNode.Read(info);
}
