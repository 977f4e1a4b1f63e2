namespace Parley.Cli.Gpu;

/// <summary>One row of the table of steps.</summary>
/// <param name="Kind"><c>prefill</c>, <c>decode</c> or <c>engine</c>.</param>
/// <param name="Sequences">Sequences of the step.</param>
/// <param name="Tokens">New tokens of the step.</param>
/// <param name="Context">Tokens of each sequence in the cache before it.</param>
/// <param name="StepMs">Median time of a step.</param>
/// <param name="TokensPerSecond">Tokens / StepMs.</param>
internal sealed record GpuStep(string Kind, int Sequences, int Tokens, int Context, double StepMs, double TokensPerSecond);
