using System.Diagnostics;
using System.Net.Http.Json;
using Grpc.Core;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>A chat of each kind, so that every figure has been recorded: answered, guided, cancelled, refused by each service.</summary>
internal static class Scenario
{
    public static async Task RunAsync(TracedSystem system)
    {
        await system.Chat.CollectAsync(Conversations.Ask("what is a token?", Long(24)));
        using (var client = new HttpClient { BaseAddress = system.Http })
        {
            var body = new { messages = new[] { new { role = "user", content = "hello" } }, max_tokens = 4 };
            (await client.PostAsJsonAsync("/v1/chat/completions", body)).EnsureSuccessStatusCode();
        }

        var guided = new SamplingParameters { MaxTokens = 8, Guide = new Guide { Regex = "[a-z]{2,4}" } };
        await system.Chat.CollectAsync(Conversations.Ask("hello", guided));
        var unknown = Conversations.Ask("hello", Conversations.Greedy(2));
        unknown.Model = "nobody";
        await Assert.ThrowsAsync<RpcException>(() => system.Chat.CollectAsync(unknown));
        await Assert.ThrowsAsync<RpcException>(() => system.Tokenizer.EncodeChatAsync(new EncodeChatRequest()).ResponseAsync);
        await OverloadAsync(system);
        await EventuallyAsync(() => system.Collect().Any(metric => metric.Name == "parley.gateway.aborted_requests")
            && system.Collect().Any(metric => metric.Name == "parley.gateway.generators.kv.utilization"));
    }

    public static SamplingParameters Long(uint tokens) => new() { Temperature = 0, MaxTokens = tokens, IgnoreEos = true };

    /// <summary>More chats than run and wait: at least one is refused; then all leave.</summary>
    private static async Task OverloadAsync(TracedSystem system)
    {
        using var stop = new CancellationTokenSource();
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var chats = Enumerable.Range(0, 12).Select(_ => ChatAsync()).ToList();
        await refused.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await stop.CancelAsync();
        await Task.WhenAll(chats);

        async Task ChatAsync()
        {
            using var call = system.Chat.Complete(Conversations.Ask("hello", Long(450)), cancellationToken: stop.Token);
            try
            {
                await foreach (var _ in call.ResponseStream.ReadAllAsync(CancellationToken.None))
                {
                }
            }
            catch (RpcException exception)
            {
                if (exception.StatusCode == StatusCode.ResourceExhausted)
                    refused.TrySetResult();
                else
                    AssertLeft(exception, system);
            }
        }
    }

    /// <summary>The caller left; or the machine is too busy for the services to describe themselves in time.</summary>
    private static void AssertLeft(RpcException exception, TracedSystem system) =>
        Assert.True(exception.StatusCode is StatusCode.Cancelled or StatusCode.Unavailable, $"{exception}\n{system.NotServed}");

    public static async Task EventuallyAsync(Func<bool> isSo)
    {
        for (var waited = Stopwatch.StartNew(); !isSo(); await Task.Delay(20))
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(1), "it did not come to be");
    }
}
