using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests;

/// <summary>Requests share a Detokenize call, and nothing else: what happens to one of them does not happen to the others.</summary>
public sealed class SharedDetokenizeTests
{
    private const string Answer = "Hello, world!";

    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Complete_TwoAtOnce_ShareACall()
    {
        await using var host = await StartAsync();
        var (first, second) = (Begin(host, "first"), Begin(host, "second"));
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 2);

        _gate.SetResult();

        Assert.Equal(Answer, await TextAsync(first));
        Assert.Equal(Answer, await TextAsync(second));
        Assert.Equal(1, host.Tokenizer.Streams);
        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_OneLeaves_IsForgottenAndTheOtherGoesOn()
    {
        await using var host = await StartAsync();
        var stays = Begin(host, "stays");
        var leaves = Begin(host, "leaves");
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 2);

        leaves.Dispose();

        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 1);
        _gate.SetResult();
        Assert.Equal(Answer, await TextAsync(stays));
        await host.AssertIdleAsync();
        Assert.Equal(0, host.Tokenizer.OpenSequences);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_OneStopsAtAString_IsForgottenAndTheOtherGoesOn()
    {
        await using var host = await StartAsync();
        var stays = Begin(host, "stays");
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 1);
        var stops = Begin(host, "stops", "Hel");

        Assert.Equal("", await TextAsync(stops));

        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 1);
        _gate.SetResult();
        Assert.Equal(Answer, await TextAsync(stays));
    }

    [Fact]
    public async Task Complete_OneIsRefused_FailsAloneNamingTheField()
    {
        await using var host = await StartAsync();
        var stays = Begin(host, "stays");
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 1);
        // Accepted, so that it is past the point where the next one is held.
        Assert.True(await stays.ResponseStream.MoveNext());
        host.Generator.BeforePrompt = token => Task.Delay(Timeout.Infinite, token);

        var fault = await Assert.ThrowsAsync<RpcException>(() => TextAsync(Begin(host, "refused", FakeTokenizer.RefusedStop)));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Contains("start.stop[0]", fault.Status.Detail, StringComparison.Ordinal);
        _gate.SetResult();
        Assert.Equal(Answer, await TextAsync(stays));
        Assert.Equal(1, host.Tokenizer.Streams);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_CallIsCutOff_FailsAllOnItAndTheNextHasANewOne()
    {
        await using var host = await StartAsync();
        var (first, second) = (Begin(host, "first"), Begin(host, "second"));
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 2);
        // Accepted, so that the fault is an event and no status.
        Assert.True(await first.ResponseStream.MoveNext() && await second.ResponseStream.MoveNext());
        host.Tokenizer.DetokenizeFaultAfter = 10;
        _gate.SetResult();

        foreach (var call in new[] { first, second })
        {
            var events = await call.ResponseStream.ReadAllAsync().ToListAsync();
            Assert.Equal("The model is not available at the moment.", events[^1].Failed.Message);
        }

        host.Tokenizer.DetokenizeFaultAfter = null;
        Assert.Equal(Answer, await TextAsync(Begin(host, "third")));
        Assert.Equal(2, host.Tokenizer.Streams);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_OneIsNotRead_DoesNotHoldTheOtherUp()
    {
        await using var host = await StartAsync(("UpdatesBufferedMax", "1"), ("BatchesInFlightMax", "1"));
        _gate.SetResult();
        var taken = 0;
        host.Generator.Script = request => request.RequestId == "unread"
            ? Enumerable.Repeat(0, int.MaxValue).Select(_ => FakeTokenizer.Ids($"{Interlocked.Increment(ref taken)} "))
            : FakeGenerator.Letters(Answer);
        using var unread = Begin(host, "unread");
        for (var (seen, same) = (0, 0); same < 20; same = taken == seen && taken > 0 ? same + 1 : 0)
        {
            seen = taken;
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        Assert.Equal(Answer, await TextAsync(Begin(host, "read")));
        Assert.Equal(1, host.Tokenizer.Streams);
    }

    [Theory]
    [InlineData(4, 5, 1)]
    [InlineData(4, 0, 2)]
    [InlineData(3, 5, 2)]
    public async Task Complete_CallIsFullOrOld_TheNextHasANewOne(int sequencesMax, int secondsMax, int calls)
    {
        var time = new FakeTimeProvider();
        await using var host = await StartAsync(
            time, ("DetokenizeSequencesMax", $"{sequencesMax}"), ("DetokenizeShareSeconds", $"{secondsMax}"));
        var first = Begin(host, "first");
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 1);
        time.Advance(TimeSpan.FromSeconds(4));
        var second = Begin(host, "second", choices: 3);
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 4);
        Assert.Equal(calls, host.Tokenizer.OpenStreams);
        time.Advance(TimeSpan.FromSeconds(1));
        var third = Begin(host, "third");
        await EventuallyAsync(() => host.Tokenizer.OpenSequences == 5);
        Assert.Equal(calls + 1, host.Tokenizer.OpenStreams);

        _gate.SetResult();

        Assert.Equal(Answer, await TextAsync(first));
        Assert.Equal(Answer, await TextAsync(second, choice: 2));
        Assert.Equal(Answer, await TextAsync(third));
        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
    }

    /// <summary>No call grows old: on a busy machine seconds pass between two requests.</summary>
    private Task<GatewayHost> StartAsync(params (string Key, string Value)[] settings) => StartAsync(new FakeTimeProvider(), settings);

    /// <summary>Every answer waits at the gate after its first three letters.</summary>
    private Task<GatewayHost> StartAsync(TimeProvider time, params (string Key, string Value)[] settings) => GatewayHost.StartAsync(
        settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value), time, host =>
            host.Generator.BeforeBatch = (number, token) => number < 3 ? Task.CompletedTask : _gate.Task.WaitAsync(token));

    private static AsyncServerStreamingCall<CompleteResponse> Begin(GatewayHost host, string id, string stop = "", uint choices = 1)
    {
        var request = new CompleteRequest
        {
            RequestId = id,
            Chat = new() { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } },
            Sampling = new SamplingParameters(),
            N = choices,
        };
        if (stop.Length > 0)
            request.Stop.Add(stop);
        return host.Client().Complete(request);
    }

    private static async Task<string> TextAsync(AsyncServerStreamingCall<CompleteResponse> call, uint choice = 0)
    {
        using (call)
        {
            var events = await call.ResponseStream.ReadAllAsync().ToListAsync();
            Assert.NotNull(events[^1].Completed);
            return string.Concat(events.Where(one => one.Delta?.Choice == choice).Select(one => one.Delta.Text));
        }
    }

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
            await Task.Delay(5, limit.Token);
    }
}
