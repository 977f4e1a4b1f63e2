namespace Parley.Cli.Bench.Serve;

/// <summary>Latencies in milliseconds.</summary>
/// <param name="Count">How many there were.</param>
/// <param name="P50Ms">Half of them are not above it.</param>
/// <param name="P95Ms">95 % are not above it.</param>
/// <param name="P99Ms">99 % are not above it.</param>
/// <param name="MaxMs">The largest.</param>
internal sealed record Percentiles(long Count, double P50Ms, double P95Ms, double P99Ms, double MaxMs);
