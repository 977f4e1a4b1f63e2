using Grpc.Core;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>A caller leaves, over real sockets, at each stage of its request: the blocks are free, and no error is logged.</summary>
[Collection(DemoCollection.Name)]
public sealed class CancelTests(DemoSystem system)
{
    private const int AttemptsMax = 20;
    private const int PromptTokens = 900;

    [Fact]
    public async Task Cancel_InDecode_FreesTheBlocks()
    {
        using var stop = new CancellationTokenSource();
        using var call = system.Chat.Complete(Long("what is a token?"), cancellationToken: stop.Token);
        while (await call.ResponseStream.MoveNext(stop.Token) && call.ResponseStream.Current.Delta is null)
        {
        }

        await stop.CancelAsync();
        await AssertCancelledAsync(call);
        await Eventually.NothingRunsAsync(system);
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Cancel_InTheQueue_NeverRuns()
    {
        using var stopRunning = new CancellationTokenSource();
        var running = Enumerable.Range(0, 16)
            .Select(_ => system.Chat.Complete(Long("hello"), cancellationToken: stopRunning.Token)).ToList();
        await Eventually.LoadAsync(system, load => load.RunningSequences == 16);
        using var stop = new CancellationTokenSource();
        using var queued = system.Chat.Complete(Long("what is a token?"), cancellationToken: stop.Token);
        await Eventually.LoadAsync(system, load => load.QueuedRequests == 1);

        await stop.CancelAsync();
        await AssertCancelledAsync(queued);
        await Eventually.LoadAsync(system, load => load is { QueuedRequests: 0, RunningSequences: 16 });

        await stopRunning.CancelAsync();
        foreach (var call in running)
        {
            await AssertCancelledAsync(call);
            call.Dispose();
        }

        await Eventually.NothingRunsAsync(system);
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Cancel_InPrefill_FreesTheBlocks()
    {
        const int prompts = 8;
        var encoded = await system.Tokenizer.EncodeAsync(new EncodeRequest { Text = string.Join(' ', Enumerable.Range(0, 400)) });
        // Whether a cancel meets the prefill is a race; each outcome must be clean, and one of a few attempts must be the one meant.
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var before = await system.Generator.GetLoadAsync(new GetLoadRequest());
            using var stop = new CancellationTokenSource();
            var calls = Enumerable.Range(attempt * prompts, prompts)
                .Select(first => Prefill(encoded.Ids, first, stop.Token)).ToList();
            await Eventually.LoadAsync(system, load => load.RunningSequences > 0 || load.CompletionTokens > before.CompletionTokens);

            await stop.CancelAsync();
            await Task.WhenAll(calls);
            await Eventually.NothingRunsAsync(system);
            system.Log.AssertNoErrors();
            var after = await system.Generator.GetLoadAsync(new GetLoadRequest());
            if (after.PromptTokens + after.CachedTokens - before.PromptTokens - before.CachedTokens < prompts * PromptTokens)
                return;
        }

        Assert.Fail("no cancel met a prefill");
    }

    [Fact]
    public async Task Cancel_BetweenLastTokenAndFinish_HasOneOutcome()
    {
        for (var i = 0; i < 20; i++)
        {
            using var stop = new CancellationTokenSource();
            var sampling = new SamplingParameters { Temperature = 0, MaxTokens = 2, IgnoreEos = true };
            using var call = system.Chat.Complete(Conversations.Ask("hello", sampling), cancellationToken: stop.Token);
            var tokens = 0;
            var terminals = 0;
            try
            {
                while (await call.ResponseStream.MoveNext(CancellationToken.None))
                {
                    var reply = call.ResponseStream.Current;
                    terminals += reply.Completed is not null || reply.Failed is not null ? 1 : 0;
                    tokens += reply.Delta?.Ids.Count ?? 0;
                    if (tokens == 2)
                        await stop.CancelAsync();
                }
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Cancelled)
            {
                Assert.Equal(0, terminals);
                continue;
            }

            Assert.Equal(1, terminals);
        }

        await Eventually.NothingRunsAsync(system);
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Cancel_ByClosingTheHttpConnection_FreesTheBlocks()
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(
                """{"messages": [{"role": "user", "content": "hello"}], "stream": true, "ignore_eos": true, "max_tokens": 900}""",
                System.Text.Encoding.UTF8, "application/json"),
        };
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var stream = await response.Content.ReadAsStreamAsync();
        Assert.True(await stream.ReadAsync(new byte[64]) > 0);

        response.Dispose();
        await Eventually.NothingRunsAsync(system);
        system.Log.AssertNoErrors();
    }

    /// <summary>Runs a prompt of its own until it is answered or cancelled.</summary>
    private async Task Prefill(IEnumerable<uint> ids, int first, CancellationToken cancellationToken)
    {
        var request = new GenerateRequest { Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 8, IgnoreEos = true } };
        request.PromptIds.Add(ids.Skip(first).Take(PromptTokens));
        using var call = system.Generator.Generate(request, cancellationToken: cancellationToken);
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
            }
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Cancelled)
        {
        }
    }

    private static CompleteRequest Long(string question) =>
        Conversations.Ask(question, new SamplingParameters { Temperature = 0, MaxTokens = 900, IgnoreEos = true });

    private static async Task AssertCancelledAsync(AsyncServerStreamingCall<CompleteResponse> call)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
            }
        });
        Assert.Equal(StatusCode.Cancelled, exception.StatusCode);
    }
}
