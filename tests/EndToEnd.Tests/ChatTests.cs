using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

[Collection(DemoCollection.Name)]
public sealed class ChatTests(DemoSystem system)
{
    private const uint AnswerTokensMax = 48;

    [Fact]
    public async Task Complete_SixteenAtOnce_EqualThoseAlone()
    {
        var alone = new List<uint[]>();
        foreach (var question in Conversations.Questions)
            alone.Add((await system.Chat.CollectAsync(Conversations.Ask(question, Conversations.Greedy(AnswerTokensMax)))).Ids());

        var together = await Task.WhenAll(Conversations.Questions.Select(question =>
            system.Chat.CollectAsync(Conversations.Ask(question, Conversations.Greedy(AnswerTokensMax)))));

        Assert.Equal(alone, together.Select(events => events.Ids()));
        Assert.All(together, events => events.Completed());
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_SeededSampling_IsRepeatableInAnyCompany()
    {
        var sampling = new SamplingParameters { Temperature = 1.2f, Seed = 7, MaxTokens = 32 };
        var alone = (await system.Chat.CollectAsync(Conversations.Ask("what is a token?", sampling))).Ids();

        var crowd = Conversations.Questions.Select(question =>
            system.Chat.CollectAsync(Conversations.Ask(question, new SamplingParameters { Temperature = 1.5f, MaxTokens = 32 }))).ToList();
        var again = (await system.Chat.CollectAsync(Conversations.Ask("what is a token?", sampling))).Ids();
        await Task.WhenAll(crowd);

        Assert.Equal(alone, again);
    }

    [Fact]
    public async Task ChatCompletions_Streamed_EqualsNotStreamed()
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        var whole = await PostAsync(client, stream: false);
        using var document = JsonDocument.Parse(whole);
        var expected = document.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
        var usage = document.RootElement.GetProperty("usage").GetProperty("completion_tokens").GetInt32();

        var text = new StringBuilder();
        var streamedUsage = 0;
        var body = await PostAsync(client, stream: true);
        var lines = body.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).ToList();
        Assert.Equal("data: [DONE]", lines[^1]);
        foreach (var line in lines[..^1])
        {
            using var chunk = JsonDocument.Parse(line[6..]);
            foreach (var choice in chunk.RootElement.GetProperty("choices").EnumerateArray())
            {
                if (choice.GetProperty("delta").TryGetProperty("content", out var content))
                    text.Append(content.GetString());
            }

            if (chunk.RootElement.TryGetProperty("usage", out var reported) && reported.ValueKind == JsonValueKind.Object)
                streamedUsage = reported.GetProperty("completion_tokens").GetInt32();
        }

        Assert.False(string.IsNullOrEmpty(expected));
        Assert.Equal(expected, text.ToString());
        Assert.Equal(usage, streamedUsage);
    }

    [Fact]
    public async Task Complete_StopStringAcrossTokenBorders_EndsTheTextBeforeIt()
    {
        var whole = await system.Chat.CollectAsync(Conversations.Ask("what is a token?", Conversations.Greedy(AnswerTokensMax)));
        var text = whole.Text();
        var ids = whole.Ids();
        Assert.True(ids.Length >= 6, "the answer is too short for this test");
        var firstHalf = (await system.Tokenizer.DecodeAsync(new DecodeRequest { Ids = { ids[..4] }, SkipSpecialTokens = true })).Text;
        // Two characters before the border between the fourth and the fifth token, and two after it.
        var stop = text.Substring(firstHalf.Length - 2, 4);
        var expected = text[..text.IndexOf(stop, StringComparison.Ordinal)];

        var stopped = await system.Chat.CollectAsync(Conversations.Ask("what is a token?", Conversations.Greedy(AnswerTokensMax), stop));

        Assert.Equal(expected, stopped.Text());
        var finish = Assert.Single(stopped, reply => reply.EventCase == CompleteResponse.EventOneofCase.ChoiceFinished).ChoiceFinished;
        Assert.Equal(Gateway.V1.FinishReason.Stop, finish.Reason);
        Assert.Equal(stop, finish.Stop);
        Assert.True(stopped.Completed().Usage.CompletionTokens <= 6);
        await Eventually.NothingRunsAsync(system);
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_EmojiSplitOverTokens_ArrivesWhole()
    {
        // Greedy over the four bytes of U+1F600, each allowed once, in the order of their bias.
        var bytes = (await system.Tokenizer.EncodeAsync(new EncodeRequest { Text = "😀", AddSpecialTokens = false })).Ids;
        Assert.True(bytes.Count >= 2, "the vocabulary holds this character as one token");
        var sampling = new SamplingParameters { Temperature = 0, MaxTokens = (uint)bytes.Count, NoRepeatNgramSize = 1, IgnoreEos = true };
        for (var i = 0; i < bytes.Count; i++)
        {
            sampling.AllowedTokenIds.Add(bytes[i]);
            sampling.LogitBias.Add(bytes[i], 90 - (20 * i));
        }

        var events = await system.Chat.CollectAsync(Conversations.Ask("hello", sampling));

        Assert.Equal(bytes, events.Ids());
        Assert.Equal("😀", events.Text());
        Assert.DoesNotContain(events, reply => reply.Delta?.Text.Contains('\uFFFD') == true);
    }

    [Fact]
    public async Task Complete_SeveralChoices_AreThoseOfTheirSeeds()
    {
        var request = Conversations.Ask("hello", new SamplingParameters { Temperature = 1, Seed = 11, MaxTokens = 16 });
        request.N = 3;
        var first = await system.Chat.CollectAsync(request);
        var second = await system.Chat.CollectAsync(request);

        var choices = first.Where(reply => reply.EventCase == CompleteResponse.EventOneofCase.ChoiceFinished)
            .Select(reply => reply.ChoiceFinished.Choice).Order();
        Assert.Equal([0u, 1u, 2u], choices);
        for (var choice = 0u; choice < 3; choice++)
            Assert.Equal(TextOf(first, choice), TextOf(second, choice));
    }

    [Fact]
    public async Task Complete_PromptLongerThanTheContext_IsRefusedWithBothNumbers()
    {
        var question = string.Join(' ', Enumerable.Repeat("token", 2000));
        var exception = await Assert.ThrowsAsync<RpcException>(() =>
            system.Chat.CollectAsync(Conversations.Ask(question, Conversations.Greedy(4))));

        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
        Assert.Contains("1024", exception.Status.Detail);
        system.Log.AssertNoErrors();
    }

    private static string TextOf(IEnumerable<CompleteResponse> events, uint choice) =>
        events.Where(reply => reply.EventCase == CompleteResponse.EventOneofCase.Delta && reply.Delta.Choice == choice).Text();

    private static async Task<string> PostAsync(HttpClient client, bool stream)
    {
        using var response = await client.PostAsJsonAsync("/v1/chat/completions", new
        {
            messages = new[] { new { role = "user", content = "what is a KV cache?" } },
            temperature = 0,
            max_tokens = 40,
            stream,
            stream_options = stream ? new { include_usage = true } : null,
        });
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, body);
        return body;
    }
}
