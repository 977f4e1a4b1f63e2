using Parley.Cli.Bench.Serve;

namespace Parley.Cli.Tests.Bench.Serve;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_OfManyLatencies_AreThoseOfASortWithinAHalfPercent()
    {
        var random = new Random(3);
        // From 20 µs to 40 s, as many in each decade.
        var latencies = Enumerable.Range(0, 20_000).Select(_ => 2e-5 * Math.Pow(2e6, random.NextDouble())).ToArray();
        var histogram = new LatencyHistogram();
        foreach (var latency in latencies)
            histogram.Add(latency);
        Array.Sort(latencies);
        foreach (var share in new[] { 0.01, 0.5, 0.9, 0.95, 0.99, 0.999 })
        {
            var expected = latencies[(int)Math.Ceiling(share * latencies.Length) - 1];
            Assert.InRange(histogram.PercentileSeconds(share) / expected, 0.994, 1.006);
        }

        Assert.Equal(latencies[^1], histogram.MaxSeconds, 1e-6);
        Assert.Equal(latencies.Length, histogram.Count);
    }

    [Fact]
    public void Percentile_OfOne_IsItForEveryShare()
    {
        var histogram = new LatencyHistogram();
        histogram.Add(0.02);
        Assert.All(new[] { 0.0, 0.5, 1.0 }, share => Assert.InRange(histogram.PercentileSeconds(share), 0.0199, 0.0201));
    }

    [Fact]
    public void Percentile_OfNoneAndOfTheVeryShortAndLong_IsWithinBounds()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal(0, histogram.PercentileSeconds(0.5));
        histogram.Add(0);
        histogram.Add(1e6);
        Assert.Equal(1e-6, histogram.PercentileSeconds(0.5));
        Assert.True(histogram.PercentileSeconds(1) > 1000);
        Assert.Equal(1e6, histogram.MaxSeconds);
    }
}
