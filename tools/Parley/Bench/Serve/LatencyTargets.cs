namespace Parley.Cli.Bench.Serve;

/// <summary>What a request must keep to count as good.</summary>
/// <param name="FirstTokenMs">Time to the first token; null does not matter.</param>
/// <param name="InterTokenMs">Mean time of a token after the first; null does not matter.</param>
internal sealed record LatencyTargets(double? FirstTokenMs, double? InterTokenMs)
{
    public bool AreSet => FirstTokenMs is not null || InterTokenMs is not null;

    /// <summary>Whether a request that ended well kept both.</summary>
    /// <param name="firstTokenSeconds">Time to its first token.</param>
    /// <param name="perTokenSeconds">Mean time of a token after the first; 0 for an answer of one token.</param>
    public bool AreKept(double firstTokenSeconds, double perTokenSeconds) =>
        !(firstTokenSeconds * 1000 > FirstTokenMs) && !(perTokenSeconds * 1000 > InterTokenMs);
}
