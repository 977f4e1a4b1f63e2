using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Limits;

namespace Parley.Gateway.Tests.Access;

public sealed class MinuteBudgetTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void TryTake_UntilNothingIsLeft_TellsWhenThereIsMore()
    {
        var budget = new MinuteBudget(60, _time);

        Assert.True(budget.TryTake(60, out _));
        Assert.False(budget.TryTake(1, out var wait));

        Assert.Equal(TimeSpan.FromSeconds(1), wait);
        Assert.Equal((0, TimeSpan.FromMinutes(1)), budget.Look());
        _time.Advance(wait);
        Assert.True(budget.TryTake(1, out _));
        Assert.False(budget.TryTake(1, out _));
    }

    [Fact]
    public void Take_MoreThanIsLeft_IsWaitedOff()
    {
        var budget = new MinuteBudget(600, _time);

        budget.Take(900);

        Assert.Equal((0, TimeSpan.FromSeconds(90)), budget.Look());
        Assert.Equal(TimeSpan.FromSeconds(30.1).TotalSeconds, budget.WaitFor(1).TotalSeconds, 3);
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(10, budget.Look().Remaining);
    }

    [Fact]
    public void Look_AfterALongRest_HoldsOneMinutesWorth()
    {
        var budget = new MinuteBudget(7, _time);
        budget.Take(7);

        _time.Advance(TimeSpan.FromDays(400));

        Assert.Equal((7, TimeSpan.Zero), budget.Look());
        budget.Take(-3);
        Assert.Equal((7, TimeSpan.Zero), budget.Look());
    }

    /// <summary>Whatever is asked in whatever order: nobody gets more than the first minute's worth and what has flown in since.</summary>
    [Fact]
    public void TryTake_AnyOrder_NeverGivesMoreThanFlowsIn() =>
        Gen.Select(Gen.Int[1, 1000], Gen.Select(Gen.Int[0, 2000], Gen.Int[0, 20_000]).Array[1, 60]).Sample((limit, steps) =>
        {
            var time = new FakeTimeProvider();
            var budget = new MinuteBudget(limit, time);
            var (taken, elapsed) = (0L, 0L);
            foreach (var (amount, milliseconds) in steps)
            {
                time.Advance(TimeSpan.FromMilliseconds(milliseconds));
                elapsed += milliseconds;
                if (budget.TryTake(amount, out var wait))
                {
                    taken += amount;
                }
                else if (amount <= limit)
                {
                    // After the time that it names it is there.
                    time.Advance(wait + TimeSpan.FromMilliseconds(1));
                    elapsed += (long)Math.Ceiling(wait.TotalMilliseconds) + 1;
                    Assert.True(budget.TryTake(amount, out _));
                    taken += amount;
                }
            }

            Assert.True(taken <= limit + (elapsed * limit / 60_000.0) + 0.01, $"{taken} of {limit} a minute in {elapsed} ms");
        }, seed: "0000KeySeed02", iter: 500);
}
