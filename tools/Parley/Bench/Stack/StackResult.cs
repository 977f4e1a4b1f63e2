namespace Parley.Cli.Bench.Stack;

/// <summary>One number of streams at the three heights.</summary>
/// <param name="Streams">Sequences that decode at once.</param>
/// <param name="Steps">Bare model steps, before and after the others.</param>
/// <param name="Engine">Scheduler, cache, sampling and streams around them, in one thread.</param>
/// <param name="Services">Three services and the load generator, which is a process of its own.</param>
/// <param name="Failure">Why a height is missing or short; null where all went well.</param>
internal sealed record StackResult(
    int Streams, StackMeasure? Steps, StackMeasure? Engine, StackMeasure? Services, string? Failure = null)
{
    /// <summary>Engine / bare steps, in tokens per second.</summary>
    public double? EngineShare => Engine?.TokensPerSecond / Steps?.TokensPerSecond;

    /// <summary>Services / bare steps, in tokens per second.</summary>
    public double? ServicesShare => Services?.TokensPerSecond / Steps?.TokensPerSecond;
}
