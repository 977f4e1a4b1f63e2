using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Parley.Client.Calls;
using Parley.Client.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.TestSupport;

namespace Parley.Client.Tests;

/// <summary>When a request is tried again, and when it is not.</summary>
public sealed class RetryTests
{
    [Fact]
    public async Task Refusal_ForNow_IsTriedAgainWithTheSameId()
    {
        await using var server = await ScriptedServer.StartAsync(
            _ => throw FaultTests.Refusal(StatusCode.Unavailable, "starting"),
            _ => throw FaultTests.Refusal(StatusCode.ResourceExhausted, "full", new RetryInfo { RetryDelay = new Duration() }),
            ScriptedGateway.Answer);

        var response = await server.Client().GetStreamingResponseAsync("hello").ToChatResponseAsync();

        Assert.Equal("Hello, world!", response.Text);
        Assert.Equal(3, server.Gateway.Calls);
        Assert.Single(server.Gateway.Requests.Select(request => request.RequestId).Distinct());
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.Unauthenticated)]
    [InlineData(StatusCode.DeadlineExceeded)]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.ResourceExhausted)]
    [InlineData(StatusCode.FailedPrecondition)]
    public async Task Refusal_ForGood_IsNotTriedAgain(StatusCode status)
    {
        await using var server = await ScriptedServer.StartAsync(_ => throw FaultTests.Refusal(status, "no"));

        await Assert.ThrowsAnyAsync<ParleyException>(() => server.Client().GetResponseAsync("hello"));

        Assert.Equal(1, server.Gateway.Calls);
    }

    [Fact]
    public async Task Refusals_BeyondTheTries_AreTheLastOne()
    {
        await using var server = await ScriptedServer.StartAsync(_ => throw FaultTests.Refusal(StatusCode.Unavailable, "away"));

        await Assert.ThrowsAsync<ParleyUnavailableException>(() =>
            server.Client(options => options.Retry.AttemptsMax = 4).GetResponseAsync("hello"));

        Assert.Equal(4, server.Gateway.Calls);
    }

    [Fact]
    public async Task Failure_BeforeTheFirstToken_IsTriedAgain()
    {
        await using var server = await ScriptedServer.StartAsync(
            request => [ScriptedGateway.Accepted(request), Failed], ScriptedGateway.Answer);

        Assert.Equal("Hello, world!", (await server.Client().GetStreamingResponseAsync("hello").ToChatResponseAsync()).Text);
    }

    [Fact]
    public async Task Failure_AfterAStreamedToken_IsTheEnd()
    {
        await using var server = await ScriptedServer.StartAsync(
            request => [ScriptedGateway.Accepted(request), ScriptedGateway.Delta("Hel"), Failed], ScriptedGateway.Answer);
        var text = "";

        await Assert.ThrowsAsync<ParleyUnavailableException>(async () =>
        {
            await foreach (var update in server.Client().GetStreamingResponseAsync("hello"))
                text += update.Text;
        });

        Assert.Equal("Hel", text);
        Assert.Equal(1, server.Gateway.Calls);
    }

    [Fact]
    public async Task Failure_OfAWholeAnswer_LeavesNothingOfTheTryBefore()
    {
        await using var server = await ScriptedServer.StartAsync(
            request => [ScriptedGateway.Accepted(request), ScriptedGateway.Delta("Hel"), Failed], ScriptedGateway.Answer);

        var response = await server.Client().GetResponseAsync("hello");

        Assert.Equal("Hello, world!", response.Text);
        Assert.Equal(2, server.Gateway.Calls);
    }

    [Fact]
    public async Task Pause_BetweenTries_IsOfTheClock()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await ScriptedServer.StartAsync(
            _ => throw FaultTests.Refusal(StatusCode.Unavailable, "starting"), ScriptedGateway.Answer);
        var options = new ParleyClientOptions { Timeout = Timeout.InfiniteTimeSpan, Retry = { InitialDelay = TimeSpan.FromSeconds(4) } };
        var client = server.Client(options, time, chance: 0.5);

        var response = client.GetResponseAsync("hello");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!response.IsCompleted)
        {
            // Half of the pause and half of the rest: never earlier, however often the clock is looked at.
            Assert.True(server.Gateway.Calls < 2 || time.GetUtcNow() >= time.Start + TimeSpan.FromSeconds(3));
            time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Delay(5, limit.Token);
        }

        Assert.Equal("Hello, world!", (await response).Text);
    }

    [Theory]
    [InlineData(1, null, 0.0, 1000, 500)]
    [InlineData(1, null, 1.0, 1000, 1000)]
    [InlineData(3, null, 1.0, 1000, 4000)]
    [InlineData(9, null, 1.0, 1000, 10_000)]
    [InlineData(1, 5000, 0.0, 1000, 5000)]
    [InlineData(1, 100, 0.0, 1000, 500)]
    [InlineData(1, 11_000, 0.0, 1000, null)]
    [InlineData(10, null, 0.0, 1000, null)]
    [InlineData(3, null, 1.0, 60_000, null)]
    public void Delay_AfterATry_GrowsAndIsBounded(int attempt, int? retryAfterMs, double chance, int initialMs, int? expectedMs)
    {
        var retry = new ParleyRetryOptions { AttemptsMax = 10, InitialDelay = TimeSpan.FromMilliseconds(initialMs) };
        var schedule = new RetrySchedule(retry, () => chance);
        TimeSpan? retryAfter = retryAfterMs is { } ms ? TimeSpan.FromMilliseconds(ms) : null;
        var fault = new ParleyUnavailableException("away", new ParleyFault(StatusCode.Unavailable, "", true, retryAfter));

        // The last case alone has no time left for its pause.
        var left = TimeSpan.FromSeconds(initialMs == 60_000 ? 10 : 11);

        Assert.Equal(expectedMs, schedule.DelayAfter(fault, attempt, left)?.TotalMilliseconds);
    }

    [Fact]
    public async Task Log_OfATry_HasItsNumberAndNothingOfTheChat()
    {
        await using var server = await ScriptedServer.StartAsync(
            _ => throw FaultTests.Refusal(StatusCode.Unavailable, "starting"), ScriptedGateway.Answer);
        using var guard = new LogGuard();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(guard));

        await server.Client(loggers: loggers).GetResponseAsync("a secret of mine");

        Assert.Contains(guard.Entries, entry => entry.Contains("try 1 of 3 ended with Unavailable"));
        Assert.DoesNotContain(guard.Entries, entry => entry.Contains("secret") || entry.Contains("world"));
    }

    private static CompleteResponse Failed =>
        new() { Failed = new FailedEvent { Code = "unavailable", Message = "away", Retryable = true } };
}
