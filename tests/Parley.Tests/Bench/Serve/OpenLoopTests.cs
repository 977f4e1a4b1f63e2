using Microsoft.Extensions.Time.Testing;
using Parley.Cli.Bench.Serve;

namespace Parley.Cli.Tests.Bench.Serve;

public sealed class OpenLoopTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Run_AServerThatDoesNotAnswer_IsSentEveryRequestAtItsTime()
    {
        var answers = new List<TaskCompletionSource>();
        var due = new List<double>();
        var start = _time.GetTimestamp();
        var run = new OpenLoop(100, _time).RunAsync(
            Seconds(1, 2, 4),
            (_, stamp) =>
            {
                due.Add(_time.GetElapsedTime(start, stamp).TotalSeconds);
                answers.Add(new TaskCompletionSource());
                return answers[^1].Task;
            },
            () => Assert.Fail("There is room."),
            CancellationToken.None);
        foreach (var sent in new[] { 1, 2, 2, 3 })
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await UntilAsync(() => answers.Count >= sent);
            Assert.Equal(sent, answers.Count);
        }

        Assert.False(run.IsCompleted);
        answers.ForEach(answer => answer.SetResult());
        await run;
        Assert.Equal([1, 2, 4], due);
    }

    [Fact]
    public async Task Run_ASenderThatIsLate_CountsFromTheTimeOfArrival()
    {
        var late = new List<double>();
        var run = new OpenLoop(100, _time).RunAsync(
            Seconds(1, 1.5, 2),
            (_, stamp) =>
            {
                late.Add(_time.GetElapsedTime(stamp).TotalSeconds);
                return Task.CompletedTask;
            },
            () => { },
            CancellationToken.None);
        // The clock jumps over all of them.
        _time.Advance(TimeSpan.FromSeconds(5));
        await run;
        Assert.Equal([4, 3.5, 3], late);
    }

    [Fact]
    public async Task Run_MoreOutstandingThanAllowed_CountsThoseNotSent()
    {
        var answer = new TaskCompletionSource();
        var (sent, dropped) = (0, 0);
        var run = new OpenLoop(2, _time).RunAsync(
            Seconds(0, 0, 0, 0, 0),
            (_, _) =>
            {
                sent++;
                return answer.Task;
            },
            () => dropped++,
            CancellationToken.None);
        Assert.Equal((2, 3), (sent, dropped));
        answer.SetResult();
        await run;
    }

    [Fact]
    public async Task Run_AFaultOfOurs_IsNotSwallowed() => await Assert.ThrowsAsync<InvalidOperationException>(
        () => new OpenLoop(2, _time).RunAsync(
            Seconds(0), (_, _) => Task.FromException(new InvalidOperationException()), () => { }, CancellationToken.None));

    private static IEnumerable<TimeSpan> Seconds(params double[] seconds) => seconds.Select(TimeSpan.FromSeconds);

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 1000 && !condition(); i++)
            await Task.Yield();
    }
}
