using Grpc.Core;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;
using FinishReason = Parley.Gateway.V1.FinishReason;

namespace Parley.Gateway.Tests;

public sealed class ChatCompletionServiceTests
{
    private static CompleteRequest Request(string text = "Hi") => new()
    {
        Chat = new Parley.Tokenizer.V1.Chat { Messages = { new ChatMessage { Role = "user", Content = text } } },
        Sampling = new SamplingParameters(),
    };

    private static async Task<List<CompleteResponse>> CompleteAsync(GatewayHost host, CompleteRequest request)
    {
        using var call = host.Client().Complete(request);
        return await call.ResponseStream.ReadAllAsync().ToListAsync();
    }

    private static string TextOf(IEnumerable<CompleteResponse> events, uint choice = 0) =>
        string.Concat(events.Where(one => one.Delta?.Choice == choice).Select(one => one.Delta.Text));

    [Fact]
    public async Task Complete_PlainChat_StreamsTextAndOneTerminal()
    {
        await using var host = await GatewayHost.StartAsync();

        var events = await CompleteAsync(host, Request());

        Assert.Equal(CompleteResponse.EventOneofCase.Accepted, events[0].EventCase);
        Assert.Equal(8u, events[0].Accepted.PromptTokens);
        Assert.Equal("fake", events[0].Accepted.Model);
        Assert.Equal("Hello, world!", TextOf(events));
        Assert.True(events.Count(one => one.Delta is not null) > 1);
        var finished = Assert.Single(events, one => one.ChoiceFinished is not null).ChoiceFinished;
        Assert.Equal(FinishReason.Stop, finished.Reason);
        Assert.Equal(42ul, finished.Seed);
        var completed = Assert.Single(events, one => one.Completed is not null);
        Assert.Same(completed, events[^1]);
        Assert.Equal(new Usage { PromptTokens = 8, CachedTokens = 3, CompletionTokens = 13 }, completed.Completed.Usage);
        Assert.Equal(2000ul, completed.Completed.Timings.PrefillNanoseconds);
        await host.AssertIdleAsync();
        Assert.Equal(0, host.Generator.Cancelled);
        host.Logs.AssertNoErrors();
    }
}
