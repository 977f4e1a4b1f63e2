namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>One mixture of experts of floats of a session.</summary>
internal sealed unsafe class MixtureOfExpertsNode(ExpertSettings settings, FloatExperts experts) : CustomOpNode
{
    public const int GateUp = 3;
    public const int GateUpBias = 4;
    public const int Down = 5;
    public const int DownBias = 6;
    public const int Scales = 7;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernels do not do.</exception>
    public static MixtureOfExpertsNode Read(void* info)
    {
        var settings = ExpertSettings.Read(info);
        var (count, hidden, width) = (settings.Experts, settings.Hidden, settings.Intermediate);
        var node = new MixtureOfExpertsNode(settings, new FloatExperts(
            settings,
            ExpertInputs.Read(info, GateUp, "gate_up", count, 2 * width, hidden),
            ExpertInputs.Read(info, Down, "down", count, hidden, width),
            ExpertInputs.ReadOptional(info, ExpertInputs.Correction, "correction", count),
            ExpertInputs.ReadOptional(info, GateUpBias, "the bias of gate_up", count, 2 * width),
            ExpertInputs.ReadOptional(info, DownBias, "the bias of down", count, hidden),
            ExpertInputs.ReadOptional(info, Scales, "expert_scales", count)));
        ExpertReads.Hold(3L * count * hidden * width * sizeof(float));
        return node;
    }

    public override string ToString() => MixtureOfExpertsOp.OpName;

    public override void Compute(void* context)
    {
        var rows = ExpertInputs.Bind(context, settings, out var input, out var logits);
        var output = (float*)OrtCustomOpApi.GetOutput(context, rows, settings.Hidden);
        experts.Run(context, input, logits, output, rows);
    }
}
