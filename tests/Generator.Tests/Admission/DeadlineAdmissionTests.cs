using Parley.Generator.Admission;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Admission;

/// <summary>Steps of 32 tokens that take a second each.</summary>
public sealed class DeadlineAdmissionTests
{
    [Fact]
    public void TryEnqueue_UnknownRate_RefusesNobody()
    {
        using var bench = new EngineBench();
        bench.Submit(EngineBench.Prompt(200), EngineBench.Greedy(1));
        Assert.Equal(AdmissionResult.Accepted, Offer(bench, seconds: 0.001));
    }

    [Theory]
    [InlineData(4.9, 0, true)]
    [InlineData(5.1, 0, false)]
    [InlineData(4.9, 1, false)]
    public void TryEnqueue_QueueOfTenSeconds_RefusesWhoHasLessThanHalf(double seconds, int priority, bool isTooLate)
    {
        using var bench = Measured();
        for (var i = 0; i < 2; i++)
            bench.Submit(EngineBench.Prompt(160, (uint)i), EngineBench.Greedy(1));
        Assert.Equal(10, bench.Queue.LeastWait.TotalSeconds * 2, 3);
        Assert.Equal(isTooLate ? AdmissionResult.TooLate : AdmissionResult.Accepted, Offer(bench, seconds, priority));
        bench.Drive();
        bench.AssertEmpty();
    }

    [Fact]
    public void TryEnqueue_EmptyQueue_RefusesNobodyForItsOwnPrompt()
    {
        using var bench = Measured();
        Assert.Equal(AdmissionResult.Accepted, Offer(bench, seconds: 0.001));
    }

    [Fact]
    public void LeastWait_AnyFigures_IsFinite()
    {
        Assert.Equal(TimeSpan.Zero, PrefillRate.LeastWait(long.MaxValue, 0));
        Assert.True(PrefillRate.LeastWait(long.MaxValue, double.Epsilon) > TimeSpan.FromDays(1));
        Assert.Equal(TimeSpan.FromSeconds(2), PrefillRate.LeastWait(400, 100));
    }

    private static EngineBench Measured()
    {
        var bench = new EngineBench(new ScriptedModelRunner(blockCount: 300));
        bench.Runner.BeforeRun = _ => bench.Time.Advance(TimeSpan.FromSeconds(1));
        bench.Submit(EngineBench.Prompt(960, 5), EngineBench.Greedy(1));
        bench.Drive();
        Assert.Equal(32, bench.Queue.Rate.TokensPerSecond, 3);
        return bench;
    }

    private static AdmissionResult Offer(EngineBench bench, double seconds, int priority = 0)
    {
        var deadline = bench.Time.GetTimestamp() + (long)(seconds * bench.Time.TimestampFrequency);
        var parameters = EngineBench.Greedy(1) with { Priority = priority };
        return bench.Queue.TryEnqueue(bench.Make(EngineBench.Prompt(50, 9), parameters, deadline: deadline));
    }
}
