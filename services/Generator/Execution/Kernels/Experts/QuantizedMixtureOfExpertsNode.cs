using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>One mixture of quantised experts of a session.</summary>
internal sealed unsafe class QuantizedMixtureOfExpertsNode(ExpertSettings settings, QuantizedExperts experts) : CustomOpNode
{
    public const int GateUpCodes = 3;
    public const int GateUpBias = 5;
    public const int DownCodes = 6;
    public const int DownBias = 8;
    public const int Scales = 9;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernels do not do.</exception>
    public static QuantizedMixtureOfExpertsNode Read(void* info)
    {
        var settings = ExpertSettings.Read(info);
        var (experts, hidden, width) = (settings.Experts, settings.Hidden, settings.Intermediate);
        var gateUp = ReadMatrix(
            info, "gate_up", GateUpCodes, 2 * width, hidden, experts,
            QuantizedMatrixFormat.Read(info, "gate_up_layout\0"u8, "gate_up_bits\0"u8, "gate_up_group\0"u8, "gate_up_levels\0"u8));
        var down = ReadMatrix(
            info, "down", DownCodes, hidden, width, experts,
            QuantizedMatrixFormat.Read(info, "down_layout\0"u8, "down_bits\0"u8, "down_group\0"u8, "down_levels\0"u8));
        var correction = ExpertInputs.ReadOptional(info, ExpertInputs.Correction, "correction", experts);
        var gateUpBias = ExpertInputs.ReadOptional(info, GateUpBias, "the bias of gate_up", experts, 2 * width);
        var downBias = ExpertInputs.ReadOptional(info, DownBias, "the bias of down", experts, hidden);
        var scales = ExpertInputs.ReadOptional(info, Scales, "expert_scales", experts);
        ExpertReads.Hold(experts * (gateUp.CodeBytes + down.CodeBytes + ((gateUp.HalfCount + down.HalfCount) * sizeof(ushort))));
        return new QuantizedMixtureOfExpertsNode(
            settings, new QuantizedExperts(settings, gateUp, down, correction, gateUpBias, downBias, scales));
    }

    public override string ToString() => QuantizedMixtureOfExpertsOp.OpName;

    public override void Compute(void* context)
    {
        var rows = ExpertInputs.Bind(context, settings, out var input, out var logits);
        var output = (float*)OrtCustomOpApi.GetOutput(context, rows, settings.Hidden);
        experts.Run(context, QuantizedLinearKernel.Best, input, logits, output, rows);
    }

    private static QuantizedMatrix ReadMatrix(
        void* info, string name, int codesInput, int outputs, int inputs, int experts, QuantizedMatrixFormat format)
    {
        try
        {
            return QuantizedMatrix.Read(info, codesInput, outputs, inputs, experts, format);
        }
        catch (NotSupportedException exception)
        {
            throw new NotSupportedException($"{name}: {exception.Message}", exception);
        }
    }
}
