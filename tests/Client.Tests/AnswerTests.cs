using Microsoft.Extensions.AI;
using Parley.Client.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.TestSupport;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Parley.Client.Tests;

/// <summary>What comes back of an answer, streamed and whole.</summary>
public sealed class AnswerTests
{
    [Fact]
    [ClientTest("Parley.Client for .NET", "answer", "usage")]
    public async Task Response_OfAWholeAnswer_HasTextReasonUsageAndIds()
    {
        await using var server = await ScriptedServer.StartAsync();

        var response = await server.Client().GetResponseAsync("hello");

        Assert.Equal("Hello, world!", response.Text);
        Assert.Equal(ChatRole.Assistant, Assert.Single(response.Messages).Role);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal("scripted", response.ModelId);
        Assert.Equal(Assert.Single(server.Gateway.Requests).RequestId, response.ResponseId);
        Assert.NotNull(response.CreatedAt);
        Assert.Equal((7, 4, 2, 9), (response.Usage!.InputTokenCount, response.Usage.CachedInputTokenCount,
            response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        Assert.Equal(ulong.MaxValue, response.AdditionalProperties![ParleyProperties.Seed]);
        Assert.Equal(42u, Assert.IsType<CompletedEvent>(response.RawRepresentation).Timings.TotalNanoseconds);
    }

    [Fact]
    [ClientTest("Parley.Client for .NET", "stream")]
    public async Task Updates_OfAStream_AreTheTextAsItComesAndOneEnd()
    {
        await using var server = await ScriptedServer.StartAsync();

        var updates = await server.Client().GetStreamingResponseAsync("hello").ToListAsync();

        Assert.Equal(["Hello, ", "world!", ""], updates.Select(update => update.Text));
        Assert.All(updates, update => Assert.Equal(ChatRole.Assistant, update.Role));
        Assert.Single(updates.Select(update => (update.ResponseId, update.MessageId, update.ModelId)).Distinct());
        Assert.Equal([null, null, ChatFinishReason.Stop], updates.Select(update => update.FinishReason));
        Assert.IsType<UsageContent>(Assert.Single(updates[^1].Contents));
        Assert.All(updates, update => Assert.IsType<CompleteResponse>(update.RawRepresentation));
        Assert.Equal("Hello, world!", updates.ToChatResponse().Text);
    }

    [Fact]
    public async Task Response_EndedByALimitOrAStop_SaysSo()
    {
        await using var server = await ScriptedServer.StartAsync(request =>
        [
            ScriptedGateway.Accepted(request),
            new CompleteResponse
            {
                ChoiceFinished = new ChoiceFinishedEvent { Reason = FinishReason.Length, Seed = 3, Stop = "END", StopTokenId = 9 },
            },
            ScriptedGateway.Completed,
        ]);

        var response = await server.Client().GetResponseAsync("hello");

        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal("", response.Text);
        Assert.Equal("END", response.AdditionalProperties![ParleyProperties.Stop]);
        Assert.Equal(9u, response.AdditionalProperties[ParleyProperties.StopTokenId]);
    }

    [Fact]
    public async Task Update_ArrivesBeforeTheNextIsMade()
    {
        await using var server = await ScriptedServer.StartAsync();
        var gate = new TaskCompletionSource();
        server.Gateway.BeforeEvent = (number, cancellationToken) =>
            number == 3 ? gate.Task.WaitAsync(cancellationToken) : Task.CompletedTask;

        await using var updates = server.Client().GetStreamingResponseAsync("hello").GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        Assert.Equal("Hello, ", updates.Current.Text);
        gate.SetResult();
        Assert.True(await updates.MoveNextAsync());
        Assert.Equal("world!", updates.Current.Text);
    }

    [Fact]
    [ClientTest("Parley.Client for .NET", "cancel")]
    public async Task Cancel_InTheMidstOfAStream_IsTheCallersOwnAndReachesTheServer()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Gateway.BeforeEvent = (number, cancellationToken) =>
            number == 3 ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.CompletedTask;
        using var source = new CancellationTokenSource();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in server.Client().GetStreamingResponseAsync("hello", cancellationToken: source.Token))
                await source.CancelAsync();
        });

        Assert.Equal(source.Token, exception.CancellationToken);
        await WaitUntilLeftAsync(server);
        Assert.Equal(1, server.Gateway.Calls);
    }

    [Fact]
    public async Task Leaving_AStreamEarly_EndsTheCall()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Gateway.BeforeEvent = (number, cancellationToken) =>
            number == 3 ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.CompletedTask;

        await foreach (var update in server.Client().GetStreamingResponseAsync("hello"))
            break;

        await WaitUntilLeftAsync(server);
    }

    [Fact]
    public async Task Cancel_BeforeTheCall_MakesNone()
    {
        await using var server = await ScriptedServer.StartAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            server.Client().GetResponseAsync("hello", cancellationToken: new CancellationToken(canceled: true)));

        Assert.Equal(0, server.Gateway.Calls);
    }

    [Fact]
    [ClientTest("Parley.Client for .NET", "logprobs")]
    public async Task Logprobs_OfAStream_AreInTheRawUpdates()
    {
        await using var server = await ScriptedServer.StartAsync(request =>
        [
            ScriptedGateway.Accepted(request),
            new CompleteResponse
            {
                Delta = new DeltaEvent { Ids = { 4 }, Logprobs = { new Generator.V1.TokenLogprobs { Logprob = -0.5f } } },
            },
            ScriptedGateway.Finished(FinishReason.Stop), ScriptedGateway.Completed,
        ]);

        var updates = await server.Client().GetStreamingResponseAsync(
            "hello", new ChatOptions { AdditionalProperties = new() { [ParleyProperties.Logprobs] = true } }).ToListAsync();

        var delta = Assert.IsType<CompleteResponse>(updates[0].RawRepresentation).Delta;
        Assert.Equal(-0.5f, Assert.Single(delta.Logprobs).Logprob);
        Assert.Empty(updates[0].Contents);
    }

    [Fact]
    public async Task Message_OfAnAnswer_GoesBackAsHistory()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = server.Client();
        List<ChatMessage> chat = [new(ChatRole.User, "hello")];

        chat.AddMessages(await client.GetResponseAsync(chat));
        chat.Add(new ChatMessage(ChatRole.User, "and now?"));
        await client.GetResponseAsync(chat);

        var messages = server.Gateway.Requests.Last().Chat.Messages;
        Assert.Equal(["user: hello", "assistant: Hello, world!", "user: and now?"],
            messages.Select(message => $"{message.Role}: {message.Content}"));
        Assert.All(messages, message => Assert.Empty(message.Parts));
    }

    private static async Task WaitUntilLeftAsync(ScriptedServer server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (server.Gateway.Left == 0)
            await Task.Delay(5, limit.Token);
    }
}
