using Parley.Cli.Bench.Serve;

namespace Parley.Cli.Tests.Bench.Serve;

public sealed class PoissonArrivalsTests
{
    [Fact]
    public void Draw_ALongTime_HasTheRateAndTheSpreadOfAPoissonProcess()
    {
        var arrivals = PoissonArrivals.Draw(20, TimeSpan.FromSeconds(1000), seed: 5).Select(time => time.TotalSeconds).ToArray();
        Assert.Equal(arrivals.Order(), arrivals);
        Assert.All(arrivals, time => Assert.InRange(time, 0, 1000));
        // 20,000 are expected, with a standard deviation of 141.
        Assert.InRange(arrivals.Length, 19_400, 20_600);
        var gaps = arrivals.Zip(arrivals.Skip(1), (one, next) => next - one).ToArray();
        var mean = gaps.Average();
        var deviation = Math.Sqrt(gaps.Average(gap => (gap - mean) * (gap - mean)));
        // Of exponential gaps the deviation is the mean; evenly spaced ones would have none.
        Assert.InRange(deviation / mean, 0.95, 1.05);
    }

    [Fact]
    public void Draw_TheSameSeed_GivesTheSameTimes()
    {
        var duration = TimeSpan.FromSeconds(30);
        Assert.Equal(PoissonArrivals.Draw(3, duration, 7), PoissonArrivals.Draw(3, duration, 7));
        Assert.NotEqual(PoissonArrivals.Draw(3, duration, 7), PoissonArrivals.Draw(3, duration, 8));
    }

    [Fact]
    public void Draw_NoRate_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PoissonArrivals.Draw(0, TimeSpan.FromSeconds(1), 1));
}
