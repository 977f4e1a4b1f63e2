using Grpc.Core;
using Microsoft.Extensions.AI;
using Parley.Client;

namespace Parley.EndToEnd.Tests;

/// <summary>The client for .NET on the real three services.</summary>
[Collection(DemoCollection.Name)]
public sealed class DotNetClientTests(DemoSystem system)
{
    private const string Question = "What is a token?";

    private static ChatOptions Drawn => new() { Temperature = 1.2f, TopK = 40, Seed = 7, MaxOutputTokens = 32 };

    [Fact]
    public async Task Answer_ThroughTheClient_EqualsThatOfTheContract()
    {
        using var client = Client();
        var sampling = new Generator.V1.SamplingParameters { Temperature = 1.2f, TopK = 40, Seed = 7, MaxTokens = 32 };
        var expected = await system.Chat.CollectAsync(Conversations.Ask(Question, sampling));
        var text = expected.Text();

        var whole = await client.GetResponseAsync(Question, Drawn);
        var streamed = await client.GetStreamingResponseAsync(Question, Drawn).ToChatResponseAsync();

        Assert.NotEmpty(text);
        Assert.Equal(text, whole.Text);
        Assert.Equal(text, streamed.Text);
        Assert.Equal(7UL, whole.AdditionalProperties![ParleyProperties.Seed]);
        var usage = expected.Completed().Usage;
        Assert.Equal((usage.PromptTokens, usage.CompletionTokens), (whole.Usage!.InputTokenCount, whole.Usage.OutputTokenCount));
        Assert.Equal(whole.Usage.OutputTokenCount == 32 ? ChatFinishReason.Length : ChatFinishReason.Stop, whole.FinishReason);
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Stop_OfTheOptions_EndsTheAnswerAndIsNamed()
    {
        using var client = Client();
        var greedy = new ChatOptions { Temperature = 0, MaxOutputTokens = 32 };
        var text = (await client.GetResponseAsync(Question, greedy)).Text;
        var stop = text.Substring(text.Length / 2, 3);

        greedy.StopSequences = [stop];
        var stopped = await client.GetResponseAsync(Question, greedy);
        greedy.AdditionalProperties = new() { [ParleyProperties.IncludeStop] = true };
        var included = await client.GetResponseAsync(Question, greedy);

        var at = text.IndexOf(stop, StringComparison.Ordinal);
        Assert.Equal(text[..at], stopped.Text);
        Assert.Equal(text[..(at + 3)], included.Text);
        Assert.Equal(ChatFinishReason.Stop, stopped.FinishReason);
        Assert.Equal(stop, stopped.AdditionalProperties![ParleyProperties.Stop]);
    }

    [Fact]
    public async Task Refusal_OfTheGateway_ListsItsFields()
    {
        using var client = Client();

        var exception = await Assert.ThrowsAsync<ParleyRequestException>(() =>
            client.GetResponseAsync(Question, new ChatOptions { Temperature = -1, TopP = 2, StopSequences = [""] }));
        var unknown = await Assert.ThrowsAsync<ParleyRequestException>(() =>
            client.GetResponseAsync(Question, new ChatOptions { ModelId = "nobody/knows" }));

        Assert.Equal(["sampling.temperature", "sampling.top_p", "stop[0]"],
            exception.Violations.Select(violation => violation.Field).Order());
        Assert.Equal((StatusCode.NotFound, "model"), (unknown.StatusCode, Assert.Single(unknown.Violations).Field));
    }

    [Fact]
    public async Task Deadline_OfTheClient_EndsTheAnswer()
    {
        using var client = Client();

        await Assert.ThrowsAsync<ParleyTimeoutException>(() => client.GetResponseAsync(Question, new ChatOptions
        {
            MaxOutputTokens = 400,
            AdditionalProperties = new() { [ParleyProperties.Timeout] = 0.02, [ParleyProperties.IgnoreEos] = true },
        }));
    }

    private ParleyChatClient Client() => new($"http://{system.Gateway.Target}");
}
