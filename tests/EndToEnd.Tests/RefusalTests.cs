using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>What one request did wrong is told to it, in a few kilobytes, and to nobody else.</summary>
[Collection(DemoCollection.Name)]
public sealed class RefusalTests(DemoSystem system)
{
    [Fact]
    public async Task ChatCompletions_ThousandIdsBeyondTheVocabulary_IsRefusedWhileThreeStreamsGoOn()
    {
        var sampling = new SamplingParameters { Temperature = 0, MaxTokens = 200, IgnoreEos = true };
        var request = Conversations.Ask("explain temperature", sampling);
        var alone = (await system.Chat.CollectAsync(request)).Ids();
        var begun = new TaskCompletionSource[3];
        var streams = begun.Select((_, index) =>
        {
            begun[index] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return CollectAsync(request, begun[index]);
        }).ToList();
        await Task.WhenAll(begun.Select(one => one.Task));

        var bias = string.Join(',', Enumerable.Range(5000, 1000).Select(id => $"\"{id}\":1"));
        var (status, body) = await PostAsync($"{{\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}],\"logit_bias\":{{{bias}}}}}");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("vocabulary", body);
        Assert.StartsWith("logit_bias", JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("param").GetString());
        Assert.InRange(body.Length, 100, 4096);
        foreach (var stream in streams)
            Assert.Equal(alone, (await stream).Ids());
        system.Log.AssertNoErrors();
    }

    [Theory]
    [InlineData("wizard")]
    [InlineData("マジシャン🪄")]
    public async Task Complete_HundredsOfUnknownRoles_IsRefusedOnAConnectionThatLives(string role)
    {
        var request = new CompleteRequest { Chat = new Chat() };
        for (var index = 0; index < 300; index++)
            request.Chat.Messages.Add(new ChatMessage { Role = role, Content = "x" });

        var fault = await Assert.ThrowsAsync<RpcException>(() => system.Chat.CollectAsync(request));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Contains(role, fault.Status.Detail);
        Assert.InRange(fault.Trailers.Sum(entry => entry.IsBinary ? entry.ValueBytes.Length : entry.Value.Length), 100, 8192);
        Assert.NotEmpty((await system.Chat.CollectAsync(Conversations.Ask("hello", Conversations.Greedy(4)))).Ids());
    }

    [Fact]
    public async Task ChatCompletions_ToolsThatTheDemoTemplateDoesNotRead_AreRefused()
    {
        var (status, body) = await PostAsync(
            "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("tools", JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("param").GetString());
    }

    private async Task<(HttpStatusCode Status, string Body)> PostAsync(string body)
    {
        using var http = new HttpClient { BaseAddress = system.Http };
        using var response = await http.PostAsync("/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<IReadOnlyList<CompleteResponse>> CollectAsync(CompleteRequest request, TaskCompletionSource begun)
    {
        using var call = system.Chat.Complete(request);
        var events = new List<CompleteResponse>();
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            events.Add(reply);
            if (reply.EventCase == CompleteResponse.EventOneofCase.Delta)
                begun.TrySetResult();
        }

        return events;
    }
}
