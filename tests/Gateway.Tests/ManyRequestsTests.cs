using Grpc.Core;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests;

/// <summary>Many requests at once that end in every way there is: each gets its own answer, and nothing is left behind.</summary>
public sealed class ManyRequestsTests
{
    [Fact]
    public async Task Complete_ManyAtOnceEndingInEveryWay_LoseNothingAndLeaveNothing()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["UpdatesBufferedMax"] = "2", ["BatchesInFlightMax"] = "2" });
        host.Generator.Script = request => FakeGenerator.Letters($"answer to {request.RequestId} #stop# and more of it");
        var client = host.Client();

        await Task.WhenAll(Enumerable.Range(0, 120).Select(number => (number % 4) switch
        {
            0 => PlainAsync(client, number),
            1 => StoppedAsync(client, number),
            2 => AbandonedAsync(client, number),
            _ => SeveralAsync(client, number),
        }));

        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
        // Every permit is back: the largest request still fits.
        using var permit = ((Limits.RequestPermits)host.Services.GetService(typeof(Limits.RequestPermits))!).Acquire(512);
        Assert.True(permit.IsAcquired);
    }

    private static CompleteRequest Request(int number) => new()
    {
        RequestId = $"r{number}",
        Chat = new() { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } },
        Sampling = new SamplingParameters(),
    };

    private static async Task PlainAsync(ChatCompletion.ChatCompletionClient client, int number)
    {
        using var call = client.Complete(Request(number));
        var events = await call.ResponseStream.ReadAllAsync().ToListAsync();
        Assert.Equal($"answer to r{number} #stop# and more of it", Text(events, 0));
        Assert.NotNull(events[^1].Completed);
    }

    private static async Task StoppedAsync(ChatCompletion.ChatCompletionClient client, int number)
    {
        var request = Request(number);
        request.Stop.Add("#stop#");
        using var call = client.Complete(request);
        var events = await call.ResponseStream.ReadAllAsync().ToListAsync();
        var expected = $"answer to r{number} ";
        Assert.Equal(expected, Text(events, 0));
        Assert.Equal((uint)expected.Length + 6, events[^1].Completed.Usage.CompletionTokens);
    }

    private static async Task AbandonedAsync(ChatCompletion.ChatCompletionClient client, int number)
    {
        using var call = client.Complete(Request(number));
        for (var read = 0; read < number % 7; read++)
            await call.ResponseStream.MoveNext();
    }

    private static async Task SeveralAsync(ChatCompletion.ChatCompletionClient client, int number)
    {
        var request = Request(number);
        request.N = 4;
        using var call = client.Complete(request);
        var events = await call.ResponseStream.ReadAllAsync().ToListAsync();
        for (var choice = 0u; choice < 4; choice++)
            Assert.Equal($"answer to r{number} #stop# and more of it", Text(events, choice));
        Assert.Single(events, one => one.Completed is not null);
    }

    private static string Text(IEnumerable<CompleteResponse> events, uint choice) =>
        string.Concat(events.Where(one => one.Delta?.Choice == choice).Select(one => one.Delta.Text));
}
