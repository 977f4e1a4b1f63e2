using Microsoft.Extensions.Time.Testing;
using Parley.Cli.Bench.Serve;

namespace Parley.Cli.Tests.Bench.Serve;

public sealed class LevelRecorderTests
{
    private static readonly LatencyTargets NoTargets = new(null, null);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Summarize_OneStream_HasItsTimes()
    {
        var recorder = new LevelRecorder(1, NoTargets, _time);
        var clock = new StreamClock(recorder, _time.GetTimestamp());
        Wait(300);
        clock.Arrived(1);
        foreach (var pause in new[] { 10, 20, 30 })
        {
            Wait(pause);
            clock.Arrived(1);
        }

        clock.Finished();
        recorder.Ended(clock, new ChatAnswer(7, 3, 4));
        clock.Closed();
        var result = recorder.Summarize(0.36);
        Near(300, result.FirstToken.P50Ms);
        Near(20, result.InterToken.P50Ms);
        Near(30, result.InterToken.P99Ms);
        Near(20, result.PerToken.P50Ms);
        Near(360, result.Request.P50Ms);
        Assert.Equal((7L, 3L, 4L), (result.PromptTokens, result.CachedTokens, result.OutputTokens));
        Assert.Equal((1L, 0L), (result.Completed, result.Failed));
        Near(50, result.TokensPerSecondPerStream);
        Near(50, result.SteadyTokensPerSecond);
        Assert.Null(result.GoodShare);
    }

    [Fact]
    public void Summarize_TwoStreams_CallsSteadyOnlyWhatBothDecode()
    {
        var recorder = new LevelRecorder(2, NoTargets, _time);
        var (one, two) = (new StreamClock(recorder, _time.GetTimestamp()), new StreamClock(recorder, _time.GetTimestamp()));
        one.Arrived(1);
        Wait(1000);
        one.Arrived(1);
        two.Arrived(1);
        for (var i = 0; i < 10; i++)
        {
            Wait(100);
            one.Arrived(1);
            two.Arrived(2);
        }

        one.Closed();
        Wait(5000);
        two.Arrived(50);
        two.Closed();
        var result = recorder.Summarize(7);
        Near(30, result.SteadyTokensPerSecond);
        Near(1, result.SteadySeconds);
    }

    [Fact]
    public void Summarize_WithTargets_CountsOnlyRequestsThatKeepBoth()
    {
        var recorder = new LevelRecorder(1, new LatencyTargets(500, 50), _time);
        Answer(recorder, firstMs: 400, pauseMs: 40);
        Answer(recorder, firstMs: 600, pauseMs: 40);
        Answer(recorder, firstMs: 400, pauseMs: 60);
        recorder.Fail("http 429");
        recorder.Fail("http 429");
        recorder.Fail("http 503");
        var result = recorder.Summarize(2);
        Assert.Equal(1 / 6.0, result.GoodShare!.Value, 1e-9);
        Assert.Equal(0.5, result.GoodRequestsPerSecond!.Value, 1e-9);
        Assert.Equal([("http 429", 2L), ("http 503", 1L)], result.Failures.Select(pair => (pair.Key, pair.Value)));
        Assert.Equal((3L, 3L), (result.Completed, result.Failed));
    }

    [Fact]
    public void Fail_WithAnyNumberOfKinds_KeepsABoundedTable()
    {
        var recorder = new LevelRecorder(0, NoTargets, _time);
        for (var i = 0; i < 1000; i++)
            recorder.Fail($"kind {i}");
        var result = recorder.Summarize(1);
        Assert.Equal(1000, result.Failures.Values.Sum());
        Assert.InRange(result.Failures.Count, 2, 33);
    }

    [Fact]
    public void AreKept_AtTheTarget_IsInTime()
    {
        Assert.True(new LatencyTargets(500, null).AreKept(0.5, 9));
        Assert.False(new LatencyTargets(500, null).AreKept(0.5001, 0));
        Assert.False(new LatencyTargets(null, 10).AreKept(9, 0.0101));
    }

    private void Answer(LevelRecorder recorder, int firstMs, int pauseMs)
    {
        var clock = new StreamClock(recorder, _time.GetTimestamp());
        Wait(firstMs);
        clock.Arrived(1);
        Wait(pauseMs);
        clock.Arrived(1);
        recorder.Ended(clock, new ChatAnswer(1, 0, 2));
        clock.Closed();
    }

    private void Wait(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private static void Near(double expected, double actual) => Assert.InRange(actual, expected * 0.994, expected * 1.006);
}
