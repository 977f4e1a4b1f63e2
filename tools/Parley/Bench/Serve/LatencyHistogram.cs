namespace Parley.Cli.Bench.Serve;

/// <summary>
/// Latencies of any number in the memory of some thousand counters: buckets whose bounds grow by one percent, from a microsecond to
/// twenty minutes, so that every percentile is right to half a percent. From any thread.
/// </summary>
internal sealed class LatencyHistogram
{
    private const double Growth = 1.01;
    private const double UnitSeconds = 1e-6;
    private const int BucketCount = 2120;

    private static readonly double LogGrowth = Math.Log(Growth);

    private readonly long[] _counts = new long[BucketCount];
    private long _count;
    private long _maxTicks;

    public long Count => Interlocked.Read(ref _count);

    /// <summary>The largest, exactly.</summary>
    public double MaxSeconds => TimeSpan.FromTicks(Interlocked.Read(ref _maxTicks)).TotalSeconds;

    public void Add(double seconds)
    {
        var bucket = seconds <= UnitSeconds ? 0 : (int)(Math.Log(seconds / UnitSeconds) / LogGrowth) + 1;
        Interlocked.Increment(ref _counts[Math.Min(bucket, BucketCount - 1)]);
        Interlocked.Increment(ref _count);
        var ticks = (long)(seconds * TimeSpan.TicksPerSecond);
        for (var max = Interlocked.Read(ref _maxTicks); ticks > max;)
        {
            var seen = Interlocked.CompareExchange(ref _maxTicks, ticks, max);
            if (seen == max)
                break;
            max = seen;
        }
    }

    /// <summary>The smallest latency that this share of all does not exceed; 0 when there is none.</summary>
    /// <param name="share">From 0 to 1.</param>
    public double PercentileSeconds(double share)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        var below = 0L;
        for (var bucket = 0; bucket < BucketCount; bucket++)
        {
            below += Interlocked.Read(ref _counts[bucket]);
            if (below >= rank)
                return bucket == 0 ? UnitSeconds : Math.Min(UnitSeconds * Math.Pow(Growth, bucket - 0.5), MaxSeconds);
        }

        return 0;
    }

    public Percentiles Summarize() => new(
        Count,
        PercentileSeconds(0.5) * 1000,
        PercentileSeconds(0.95) * 1000,
        PercentileSeconds(0.99) * 1000,
        MaxSeconds * 1000);
}
