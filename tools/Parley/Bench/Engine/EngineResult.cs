namespace Parley.Cli.Bench.Engine;

/// <summary>One row of the bare-step table.</summary>
/// <param name="Kind"><c>prefill</c> or <c>decode</c>.</param>
/// <param name="Sequences">Sequences of the step.</param>
/// <param name="Tokens">New tokens of the step.</param>
/// <param name="Past">Tokens of each sequence in the cache before it.</param>
/// <param name="LogitBest">How many of the best logits count; 0 for all.</param>
/// <param name="StepP50Ms">Median time of a step.</param>
/// <param name="StepP95Ms">95th percentile of it.</param>
/// <param name="TokensPerSecond">Tokens / StepP50Ms.</param>
/// <param name="ReadMegabytes">
/// Weights and cache that the step read, each once at least: of a mixture of experts those that its tokens went through.
/// </param>
/// <param name="GigabytesPerSecond">That / StepP50Ms.</param>
/// <param name="BandwidthShare">Of what the machine reads.</param>
/// <param name="AllocatedBytesPerStep">Garbage of the step on its own thread.</param>
internal sealed record EngineResult(
    string Kind, int Sequences, int Tokens, int Past, int LogitBest, double StepP50Ms, double StepP95Ms, double TokensPerSecond,
    double ReadMegabytes, double GigabytesPerSecond, double BandwidthShare, double AllocatedBytesPerStep);
