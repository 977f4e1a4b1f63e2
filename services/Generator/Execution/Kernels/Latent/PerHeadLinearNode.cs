using Parley.Generator.Execution.Kernels.Experts;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>One linear per head of floats of a session.</summary>
/// <param name="settings">The operator's attributes.</param>
/// <param name="weights">[heads, outputs, inputs].</param>
internal sealed unsafe class PerHeadLinearNode(PerHeadSettings settings, IntPtr weights) : CustomOpNode
{
    /// <summary>Below this many multiply-adds the linear runs on the calling thread.</summary>
    private const long InlineWorkMax = 128 * 1024;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">An attribute or the weights do not fit.</exception>
    public static PerHeadLinearNode Read(void* info)
    {
        var settings = PerHeadSettings.Read(info);
        return new PerHeadLinearNode(
            settings, ExpertInputs.Read(info, 1, "weights", settings.Heads, settings.Outputs, settings.Inputs));
    }

    public override string ToString() => PerHeadLinearOp.OpName;

    public override void Compute(void* context)
    {
        var tokens = settings.Bind(context, out var input);
        var step = PerHeadStep.Create(settings, input, (float*)weights, settings.Output(context, tokens), tokens);
        var work = (long)tokens * settings.Heads * settings.Inputs * settings.Outputs;
        if (tokens > 0)
            ParallelLoop.Run(context, &PerHeadStep.Run, &step, step.Units, work > InlineWorkMax);
    }
}
