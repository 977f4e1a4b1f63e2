using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Balancing;

namespace Parley.Gateway.Tests.Balancing;

public sealed class CircuitBreakerTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly CircuitBreaker _breaker;

    public CircuitBreakerTests() => _breaker = new CircuitBreaker(3, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), _time);

    [Fact]
    public void Fail_SeveralInARow_OpensAndAnAnswerBetweenDoesNot()
    {
        Assert.False(_breaker.Fail());
        Assert.False(_breaker.Fail());
        _breaker.Succeed();
        Assert.False(_breaker.Fail());
        Assert.False(_breaker.Fail());
        Assert.True(_breaker.IsClosed);
        Assert.True(_breaker.Fail());
        Assert.False(_breaker.IsClosed);
        Assert.False(_breaker.Fail());
    }

    [Fact]
    public void Begin_BehindItsTime_IsOneTrialThatClosesOrOpensForTwiceAsLong()
    {
        Open();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_breaker.IsClosed);
        _breaker.Begin();
        Assert.False(_breaker.IsClosed);
        Assert.True(_breaker.Fail());

        _time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(_breaker.IsClosed);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(_breaker.IsClosed);
        _breaker.Begin();
        Assert.True(_breaker.Fail());

        // Twice two would be four: three is the most.
        _time.Advance(TimeSpan.FromSeconds(3));
        _breaker.Begin();
        _breaker.Succeed();
        Assert.True(_breaker.IsClosed);
        Open();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_breaker.IsClosed);
    }

    [Fact]
    public void Abandon_OfATrial_LetsTheNextOneTry()
    {
        Open();
        _time.Advance(TimeSpan.FromSeconds(1));
        _breaker.Begin();
        _breaker.Abandon();
        Assert.True(_breaker.IsClosed);
    }

    private void Open()
    {
        for (var i = 0; i < 3; i++)
            _breaker.Fail();
        Assert.False(_breaker.IsClosed);
    }
}
