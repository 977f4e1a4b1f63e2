using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Limits;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Gateway.Tests.Access;

public sealed class CallersTests
{
    private static readonly LimitOptions Limits = new() { RequestsPerMinute = 60 };

    private readonly FakeTimeProvider _time = new();

    private Callers Create(int callersMax, int namesMax)
    {
        var options = Options.Create(new GatewayOptions { CallersMax = callersMax, CallerNamesMax = namesMax });
        var services = new ServiceCollection().AddMetrics().AddSingleton<TimeProvider>(_time).AddSingleton(options)
            .AddSingleton(Options.Create(new TelemetryOptions())).AddSingleton<GatewayTelemetry>().AddSingleton<Callers>();
        return services.BuildServiceProvider().GetRequiredService<Callers>();
    }

    [Fact]
    public void Get_TheSameLimits_KeepsWhatIsLeft()
    {
        var callers = Create(10, 10);
        Assert.True(callers.Get("a", Limits).Requests!.TryTake(60, out _));

        Assert.Equal(0, callers.Get("A", Limits with { }).Requests!.Look().Remaining);
        Assert.Equal(30, callers.Get("a", Limits with { RequestsPerMinute = 30 }).Requests!.Look().Remaining);
    }

    [Fact]
    public void Get_MoreCallersThanAreKept_ForgetsWhoIsWholeAndElseShares()
    {
        var callers = Create(2, 10);
        callers.Get("a", Limits).Requests!.Take(10);
        callers.Get("b", Limits);

        var third = callers.Get("c", Limits);
        third.Requests!.Take(10);
        var (fourth, fifth) = (callers.Get("d", Limits), callers.Get("e", Limits));

        Assert.Equal("c", third.Name);
        Assert.Same(fourth, fifth);
        Assert.Equal((Callers.Other, Callers.Other), (fourth.Name, fourth.Label));
        Assert.Equal(50, callers.Get("a", Limits).Requests!.Look().Remaining);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("d", callers.Get("d", Limits).Name);
    }

    [Fact]
    public void Label_BeyondTheNamesThatMetricsTake_IsOther()
    {
        var callers = Create(100, 2);

        var labels = ((string[])["a", "b", "c", "a", "anonymous"]).Select(name => callers.Get(name, Limits).Label);

        Assert.Equal(["a", "b", "other", "a", "anonymous"], labels);
    }
}
