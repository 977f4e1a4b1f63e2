using System.Net.Http.Json;
using System.Text.Json;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>Completions, Responses and tokens over HTTP on the demo model, held to what the chat says.</summary>
[Collection(DemoCollection.Name)]
public sealed class PromptTests(DemoSystem system)
{
    private const string Question = "what is a token?";

    [Fact]
    public async Task Completion_OfAChatsOwnPrompt_IsTheChatsAnswer()
    {
        var chat = new Chat { Messages = { new ChatMessage { Role = "user", Content = Question } } };
        var rendered = await system.Tokenizer.EncodeChatAsync(new EncodeChatRequest { Chat = chat });
        var expected = (await system.Chat.CollectAsync(Conversations.Ask(Question, Conversations.Greedy(24)))).Text();

        var alone = await PostAsync("/v1/completions", new { prompt = rendered.Ids.ToArray(), max_tokens = 24, temperature = 0 });
        var several = await PostAsync("/v1/completions", new
        {
            prompt = new uint[][] { [.. rendered.Ids.Take(rendered.Ids.Count - 1)], rendered.Ids.ToArray() },
            max_tokens = 24,
            temperature = 0,
        });

        Assert.Equal(expected, Text(alone, 0));
        Assert.Equal(expected, Text(several, 1));
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Completion_Judged_TellsTheLogprobsOfTheGenerator()
    {
        const string Prompt = "A token is a piece of text.";
        var ids = (await system.Tokenizer.EncodeAsync(new EncodeRequest { Text = Prompt })).Ids;
        using var call = system.Generator.Generate(new GenerateRequest
        {
            PromptIds = { ids },
            Sampling = new SamplingParameters { MaxTokens = 0, PromptLogprobs = 1, Temperature = 0 },
        });
        var judged = new List<float>();
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
            judged.AddRange((call.ResponseStream.Current.PromptLogprobs?.Tokens ?? []).Select(token => token.Logprob));

        var answer = await PostAsync(
            "/v1/completions", new { prompt = Prompt, echo = true, logprobs = 1, max_tokens = 0, temperature = 0 });

        var logprobs = answer.GetProperty("choices")[0].GetProperty("logprobs");
        var told = logprobs.GetProperty("token_logprobs").EnumerateArray().Skip(1).Select(one => one.GetSingle()).ToArray();
        Assert.Equal(judged, told);
        Assert.Equal(Prompt, Text(answer, 0));
        var tokens = logprobs.GetProperty("tokens").EnumerateArray().Select(one => one.GetString()!).ToArray();
        var offsets = logprobs.GetProperty("text_offset").EnumerateArray().Select(one => one.GetInt32()).ToArray();
        Assert.Equal(ids.Count, tokens.Length);
        for (var index = 0; index < tokens.Length; index++)
        {
            // A special token that the tokenizer adds is not in the text.
            Assert.True(Prompt.AsSpan(offsets[index]).StartsWith(tokens[index]) || tokens[index].StartsWith('<'), tokens[index]);
        }

    }

    [Fact]
    public async Task Response_OfTwoTurns_IsTheChatsAnswer()
    {
        var first = await PostAsync("/v1/responses", new { input = Question, max_output_tokens = 24, temperature = 0 });
        var second = await PostAsync("/v1/responses", new
        {
            previous_response_id = first.GetProperty("id").GetString(),
            input = "thanks!",
            max_output_tokens = 24,
            temperature = 0,
        });

        var request = Conversations.Ask(Question, Conversations.Greedy(24));
        Assert.Equal((await system.Chat.CollectAsync(request)).Text(), Output(first));
        request.Chat.Messages.Add(new ChatMessage { Role = "assistant", Content = Output(first) });
        request.Chat.Messages.Add(new ChatMessage { Role = "user", Content = "thanks!" });
        Assert.Equal((await system.Chat.CollectAsync(request)).Text(), Output(second));
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Tokens_ThereAndBack_AreTheText()
    {
        const string Words = "Grüße, 世界 and 👋🏽";

        var encoded = await PostAsync("/tokenize", new { prompt = Words, add_special_tokens = false });
        var decoded = await PostAsync("/detokenize", new { tokens = encoded.GetProperty("tokens") });

        Assert.Equal(Words, decoded.GetProperty("prompt").GetString());
        Assert.Equal(encoded.GetProperty("count").GetInt32(), encoded.GetProperty("tokens").GetArrayLength());
    }

    private static string Text(JsonElement completion, int index) =>
        completion.GetProperty("choices")[index].GetProperty("text").GetString()!;

    private static string Output(JsonElement response) =>
        response.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString()!;

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var http = new HttpClient { BaseAddress = system.Http };
        using var response = await http.PostAsJsonAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }
}
