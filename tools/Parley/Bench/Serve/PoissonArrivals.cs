namespace Parley.Cli.Bench.Serve;

/// <summary>When requests arrive that do not wait for each other: the gaps between them are exponential, drawn from a seed.</summary>
internal static class PoissonArrivals
{
    /// <summary>Times from the start, ascending, all below the duration.</summary>
    /// <param name="requestsPerSecond">Mean rate; above 0.</param>
    /// <param name="duration">How long requests arrive.</param>
    /// <param name="seed">The same seed gives the same times.</param>
    public static IEnumerable<TimeSpan> Draw(double requestsPerSecond, TimeSpan duration, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(requestsPerSecond);
        return DrawUnchecked(requestsPerSecond, duration, new Random(seed));
    }

    private static IEnumerable<TimeSpan> DrawUnchecked(double requestsPerSecond, TimeSpan duration, Random random)
    {
        var seconds = 0.0;
        while (true)
        {
            // 1 − [0, 1) is never 0, so that the logarithm is finite.
            seconds -= Math.Log(1 - random.NextDouble()) / requestsPerSecond;
            if (seconds >= duration.TotalSeconds)
                yield break;
            yield return TimeSpan.FromSeconds(seconds);
        }
    }
}
