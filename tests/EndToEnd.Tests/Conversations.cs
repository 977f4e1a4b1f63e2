using Grpc.Core;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>Requests of the tests, and how their answers are collected.</summary>
internal static class Conversations
{
    public static readonly string[] Questions =
    [
        "hello", "who are you?", "what is a token?", "what is a chat template?", "what is a KV cache?", "explain temperature",
        "what does top-p mean?", "what is the context window?", "how does ChatGPT work?", "write 3 lines about transfromers in llms",
        "what is detokenization?", "what is an embedding?", "thanks!", "what is attention?",
        "what is in config.json?", "what is streaming?",
    ];

    public static SamplingParameters Greedy(uint maxTokens) => new() { Temperature = 0, MaxTokens = maxTokens };

    public static CompleteRequest Ask(string question, SamplingParameters sampling, params string[] stop)
    {
        var message = new ChatMessage { Role = "user", Content = question };
        var request = new CompleteRequest { Chat = new Chat { Messages = { message } }, Sampling = sampling };
        request.Stop.Add(stop);
        return request;
    }

    public static async Task<IReadOnlyList<CompleteResponse>> CollectAsync(
        this ChatCompletion.ChatCompletionClient client, CompleteRequest request)
    {
        using var call = client.Complete(request);
        var events = new List<CompleteResponse>();
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
            events.Add(reply);
        return events;
    }

    public static string Text(this IEnumerable<CompleteResponse> events) =>
        string.Concat(events.Where(reply => reply.EventCase == CompleteResponse.EventOneofCase.Delta).Select(reply => reply.Delta.Text));

    public static uint[] Ids(this IEnumerable<CompleteResponse> events) =>
        [.. events.Where(reply => reply.EventCase == CompleteResponse.EventOneofCase.Delta).SelectMany(reply => reply.Delta.Ids)];

    /// <summary>Asserts that a stream ended well, once.</summary>
    public static CompletedEvent Completed(this IEnumerable<CompleteResponse> events)
    {
        var terminal = events.Where(reply =>
            reply.EventCase is CompleteResponse.EventOneofCase.Completed or CompleteResponse.EventOneofCase.Failed).ToList();
        var only = Assert.Single(terminal);
        Assert.Same(events.Last(), only);
        Assert.Equal(CompleteResponse.EventOneofCase.Completed, only.EventCase);
        return only.Completed;
    }
}
