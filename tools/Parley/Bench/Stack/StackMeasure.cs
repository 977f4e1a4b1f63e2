using System.Globalization;

namespace Parley.Cli.Bench.Stack;

/// <summary>One number of streams at one height.</summary>
/// <param name="TokensPerSecond">All streams together, while all decode.</param>
/// <param name="ProcessorMicrosecondsPerToken">Processor time of the process, model included, load generator not.</param>
/// <param name="StepMs">Mean time of a model step, prompts included.</param>
/// <param name="StepShare">Share of the time that was within model steps.</param>
/// <param name="AllocatedBytesPerToken">Garbage of the whole process.</param>
/// <param name="HeapMegabytes">What the process keeps afterwards, behind a whole collection; native memory is not in it.</param>
/// <param name="ClientMicrosecondsPerToken">Processor time of the load generator; 0 without one.</param>
internal sealed record StackMeasure(
    double TokensPerSecond, double ProcessorMicrosecondsPerToken, double StepMs, double StepShare, double AllocatedBytesPerToken,
    double HeapMegabytes, double ClientMicrosecondsPerToken = 0)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{TokensPerSecond:0.0} tok/s, {ProcessorMicrosecondsPerToken:0.0} µs/token, steps of {StepMs:0.0} ms, "
        + $"heap {HeapMegabytes:0.0} MB");
}
