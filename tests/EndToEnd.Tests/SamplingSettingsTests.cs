using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>The settings of sampling on the demo model, from HTTP to the last draw.</summary>
[Collection(DemoCollection.Name)]
public sealed class SamplingSettingsTests(DemoSystem system)
{
    private const string Question = "what is a token?";

    [Fact]
    public async Task ChatCompletions_EachRareSettingWithASeed_GivesTheSameAloneAndInCompany()
    {
        string[] settings =
        [
            "\"top_n_sigma\":1.2", "\"top_h\":0.5", "\"epsilon_cutoff\":0.01,\"eta_cutoff\":0.02", "\"xtc_probability\":0.5",
            "\"dynatemp_range\":0.5", "\"mirostat\":1", "\"mirostat\":2",
            "\"dry_multiplier\":0.8,\"dry_sequence_breakers\":[\"\\n\",\": \"]",
            "\"dry_multiplier\":0.8", "\"repeat_penalty\":1.2,\"repeat_last_n\":16", "\"encoder_repetition_penalty\":1.3",
            "\"bad_words\":[\"the\",\"a\"]", "\"exponential_decay_length_penalty\":[4,1.2]",
        ];
        var alone = new List<string>();
        foreach (var setting in settings)
            alone.Add(Answer(await PostAsync($"\"seed\":11,\"temperature\":8,\"max_tokens\":24,{setting}")));
        var together = await Task.WhenAll(
            settings.Select(setting => PostAsync($"\"seed\":11,\"temperature\":8,\"max_tokens\":24,{setting}")));

        Assert.Equal(alone, together.Select(Answer));
        Assert.True(alone.Distinct().Count() > 6, string.Join("\n", alone));
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task ChatCompletions_BadWord_IsNotSaid()
    {
        var word = Answer(await PostAsync("\"temperature\":0,\"max_tokens\":40")).Split(' ').First(part => part.Length > 3);
        Assert.True(word.All(char.IsAsciiLetter), word);
        var without = Answer(await PostAsync($"\"temperature\":0,\"max_tokens\":40,\"bad_words\":[\"{word}\"]"));
        Assert.DoesNotContain($" {word} ", $" {without} ", StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChatCompletions_SixteenAnswersWithTwentyLogprobs_HaveTheExactBytesOfTheirTexts()
    {
        var answer = await PostAsync("\"n\":16,\"seed\":5,\"max_tokens\":6,\"logprobs\":true,\"top_logprobs\":20");
        var choices = answer.GetProperty("choices").EnumerateArray().ToList();
        Assert.Equal(Enumerable.Range(0, 16), choices.Select(choice => choice.GetProperty("index").GetInt32()));
        foreach (var choice in choices)
        {
            var tokens = choice.GetProperty("logprobs").GetProperty("content").EnumerateArray().ToList();
            Assert.InRange(tokens.Count, 1, 6);
            Assert.All(tokens, token => Assert.Equal(20, token.GetProperty("top_logprobs").GetArrayLength()));

            // An end-of-sequence token has a piece and no text.
            byte[] bytes = [.. tokens.SelectMany(token => token.GetProperty("bytes").EnumerateArray()).Select(one => one.GetByte())];
            var content = choice.GetProperty("message").GetProperty("content").GetString()!;
            Assert.StartsWith(content, Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Generate_PromptLogprobsOfAnAnswer_AreThoseItWasChosenWith()
    {
        var client = new Generation.GenerationClient(system.GeneratorChannel);
        var chat = new Chat { Messages = { new ChatMessage { Role = "user", Content = Question } } };
        var tokenizer = new Tokenization.TokenizationClient(system.TokenizerChannel);
        var encoded = await tokenizer.EncodeChatAsync(new EncodeChatRequest { Chat = chat });
        var sampling = new SamplingParameters { Temperature = 1, Seed = 9, MaxTokens = 12, IgnoreEos = true, Logprobs = true };
        var said = await GenerateAsync(client, new GenerateRequest { PromptIds = { encoded.Ids }, Sampling = sampling });
        uint[] answer = [.. said.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids)];
        float[] chosen = [.. said.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Logprobs).Select(one => one.Logprob)];

        var judging = new SamplingParameters { MaxTokens = 0, PromptLogprobs = 1 };
        var judged = await GenerateAsync(client, new GenerateRequest { PromptIds = { encoded.Ids, answer }, Sampling = judging });
        var tokens = judged.Where(e => e.PromptLogprobs is not null).SelectMany(e => e.PromptLogprobs.Tokens);
        float[] told = [.. tokens.Select(one => one.Logprob)];

        Assert.Equal(encoded.Ids.Count + answer.Length - 1, told.Length);
        for (var i = 0; i < answer.Length; i++)
            Assert.Equal(chosen[i], told[encoded.Ids.Count - 1 + i], 1e-4f);

        // And the same from a chat, with its texts.
        var http = await PostAsync("\"prompt_logprobs\":1,\"max_tokens\":1");
        var prompt = http.GetProperty("prompt_logprobs").EnumerateArray().Skip(1).ToList();
        Assert.Equal(encoded.Ids.Count - 1, prompt.Count);
        for (var i = 0; i < prompt.Count; i++)
            Assert.Equal(told[i], prompt[i].GetProperty($"{encoded.Ids[i + 1]}").GetProperty("logprob").GetSingle(), 1e-4f);
    }

    private static async Task<List<GenerateResponse>> GenerateAsync(Generation.GenerationClient client, GenerateRequest request)
    {
        using var call = client.Generate(request);
        var events = new List<GenerateResponse>();
        await foreach (var one in call.ResponseStream.ReadAllAsync())
            events.Add(one);
        return events;
    }

    private static string Answer(JsonElement answer) =>
        answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;

    private async Task<JsonElement> PostAsync(string fields)
    {
        using var http = new HttpClient { BaseAddress = system.Http };
        var body = $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"{Question}\"}}],{fields}}}";
        using var response = await http.PostAsync("/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement;
    }
}
