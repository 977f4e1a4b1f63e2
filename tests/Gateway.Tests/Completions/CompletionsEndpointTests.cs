using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Completions;

/// <summary><c>POST /v1/completions</c>: prompts as they stand, answers as OpenAI's clients and evaluators of models read them.</summary>
public sealed class CompletionsEndpointTests
{
    private static async Task<JsonElement> PostAsync(GatewayHost host, string body, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var response = await host.Http().PostAsync("/v1/completions", new StringContent(body, Encoding.UTF8, "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    private static async Task<List<JsonElement>> StreamAsync(GatewayHost host, string body)
    {
        using var response = await host.Http().PostAsync("/v1/completions", new StringContent(body, Encoding.UTF8, "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(line => line["data: ".Length..])
            .Where(data => data != "[DONE]").Select(data => JsonDocument.Parse(data).RootElement)];
    }

    private static string[] Strings(JsonElement array) => [.. array.EnumerateArray().Select(one => one.GetString()!)];

    private static string TextOf(IEnumerable<JsonElement> chunks, int index) => string.Concat(chunks
        .SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
        .Where(choice => choice.GetProperty("index").GetInt32() == index).Select(choice => choice.GetProperty("text").GetString()));

    /// <summary>Answers each prompt with itself in capitals.</summary>
    private static IEnumerable<uint[]> Louder(Generator.V1.GenerateRequest request) =>
        FakeGenerator.Letters(Encoding.UTF8.GetString([.. request.PromptIds.Select(id => (byte)id)]).ToUpperInvariant());

    [Fact]
    public async Task Post_AText_GoesWithoutATemplateAndHasSixteenTokens()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.Bos = FakeTokenizer.Eos);

        var answer = await PostAsync(host, """{"model":"fake","prompt":"Once upon","seed":3}""");

        var choice = Assert.Single(answer.GetProperty("choices").EnumerateArray());
        Assert.Equal(("Hello, world!", 0, "stop"), (choice.GetProperty("text").GetString(), choice.GetProperty("index").GetInt32(),
            choice.GetProperty("finish_reason").GetString()));
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").ValueKind);
        Assert.Equal("text_completion", answer.GetProperty("object").GetString());
        Assert.StartsWith("cmpl-", answer.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal((10, 13, 23), (answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(),
            answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32(),
            answer.GetProperty("usage").GetProperty("total_tokens").GetInt32()));
        var sent = Assert.Single(host.Generator.Requests);
        Assert.Equal([FakeTokenizer.Eos, .. FakeTokenizer.Ids("Once upon")], sent.PromptIds);
        Assert.Equal((16u, 3ul, false), (sent.Sampling.MaxTokens, sent.Sampling.Seed, sent.Sampling.HasPromptLogprobs));
        Assert.Empty(host.Tokenizer.Chats);
        Assert.Equal(sent.PromptIds, Assert.Single(host.Tokenizer.Starts).PrefixIds);
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("""["ab","cd"]""")]
    [InlineData("[[97,98],[99,100]]")]
    [InlineData("""[[97,98],"cd"]""")]
    public async Task Post_SeveralPrompts_AreNumberedPromptByPrompt(string prompt)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Script = Louder);

        var answer = await PostAsync(host, $$"""{"prompt":{{prompt}},"n":2,"seed":5}""");

        var choices = answer.GetProperty("choices").EnumerateArray().ToArray();
        Assert.Equal(["AB", "AB", "CD", "CD"], choices.Select(choice => choice.GetProperty("text").GetString()));
        Assert.Equal([0, 1, 2, 3], choices.Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal((4, 8), (answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(),
            answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32()));
        // Each prompt has the seeds that it would have alone.
        Assert.Equal(2, host.Generator.Requests.Count(request => request.Sampling.Seed == 5));
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Post_Ids_AreThePrompt()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.Bos = FakeTokenizer.Eos);

        await PostAsync(host, """{"prompt":[72,105],"max_tokens":-1}""");

        var sent = Assert.Single(host.Generator.Requests);
        Assert.Equal([72u, 105u], sent.PromptIds);
        Assert.Equal(("aa11", false), (sent.TokenizerSha256, sent.Sampling.HasMaxTokens));
        Assert.Empty(host.Tokenizer.Texts);
    }

    [Fact]
    public async Task Post_NoSpecialTokensWanted_AddsNone()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.Bos = FakeTokenizer.Eos);

        await PostAsync(host, """{"prompt":"Hi","add_special_tokens":false}""");

        Assert.Equal(FakeTokenizer.Ids("Hi"), Assert.Single(host.Generator.Requests).PromptIds);
    }

    [Fact]
    public async Task Post_Logprobs_HaveTheLegacyForm()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Script = _ => FakeGenerator.Letters("é b"));

        var answer = await PostAsync(host, """{"prompt":"Hi","logprobs":2}""");

        var logprobs = answer.GetProperty("choices")[0].GetProperty("logprobs");
        Assert.Equal(["bytes:\\xc3", "bytes:\\xa9", " ", "b"], Strings(logprobs.GetProperty("tokens")));
        Assert.Equal([-0.5f, -0.5f, -0.5f, -0.5f], logprobs.GetProperty("token_logprobs").EnumerateArray().Select(one => one.GetSingle()));
        Assert.Equal([0, 0, 1, 2], logprobs.GetProperty("text_offset").EnumerateArray().Select(one => one.GetInt32()));
        var last = logprobs.GetProperty("top_logprobs")[3];
        Assert.Equal((-0.5f, -1.5f), (last.GetProperty("b").GetSingle(), last.GetProperty("c").GetSingle()));
    }

    [Fact]
    public async Task Post_LogprobsZero_TellsTheTokensOwn()
    {
        await using var host = await GatewayHost.StartAsync();

        var answer = await PostAsync(host, """{"prompt":"Hi","logprobs":0}""");

        var top = answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("top_logprobs")[0];
        Assert.Equal(("H", -0.5f), (Assert.Single(top.EnumerateObject()).Name, top.GetProperty("H").GetSingle()));
    }

    [Fact]
    public async Task Post_EchoWithLogprobs_JudgesThePromptToo()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.Bos = FakeTokenizer.Eos;
            one.Generator.Script = _ => FakeGenerator.Letters("!?");
        });

        var answer = await PostAsync(host, """{"prompt":"naïve","echo":true,"logprobs":1,"max_tokens":2}""");

        var choice = answer.GetProperty("choices")[0];
        Assert.Equal("naïve!?", choice.GetProperty("text").GetString());
        var logprobs = choice.GetProperty("logprobs");
        Assert.Equal(["<eos>", "n", "a", "bytes:\\xc3", "bytes:\\xaf", "v", "e", "!", "?"], Strings(logprobs.GetProperty("tokens")));
        Assert.Equal([0, 0, 1, 2, 2, 3, 4, 5, 6], logprobs.GetProperty("text_offset").EnumerateArray().Select(one => one.GetInt32()));
        var values = logprobs.GetProperty("token_logprobs").EnumerateArray().ToArray();
        Assert.Equal(JsonValueKind.Null, values[0].ValueKind);
        Assert.Equal([-1f, -2f, -3f, -4f, -5f, -6f, -0.5f, -0.5f], values.Skip(1).Select(one => one.GetSingle()));
        var top = logprobs.GetProperty("top_logprobs");
        Assert.Equal(JsonValueKind.Null, top[0].ValueKind);
        Assert.Equal((-0.25f, -1f), (top[1].GetProperty("A").GetSingle(), top[1].GetProperty("n").GetSingle()));
        Assert.Equal(1u, Assert.Single(host.Generator.Requests).Sampling.PromptLogprobs);
    }

    /// <summary>Prompts of one token, of which nothing can be said, and of as many as an event judges and more.</summary>
    [Theory]
    [InlineData("Post")]
    [InlineData("Stream")]
    public async Task Prompts_EchoWithLogprobs_AreJudgedEachByItself(string way)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Script = Louder);
        const string Body = """{"prompt":["Hi","x","Hello"],"n":2,"logprobs":2,"echo":true,"stream":""";

        List<JsonElement> answers = way == "Post" ? [await PostAsync(host, Body + "false}")] : await StreamAsync(host, Body + "true}");

        string[] texts = ["HiHI", "HiHI", "xX", "xX", "HelloHELLO", "HelloHELLO"];
        Assert.Equal(texts, Enumerable.Range(0, 6).Select(index => TextOf(answers, index)));
        var judged = answers.SelectMany(answer => answer.GetProperty("choices").EnumerateArray())
            .ToLookup(choice => choice.GetProperty("index").GetInt32(), choice => choice.GetProperty("logprobs"));
        foreach (var (index, text) in texts.Index())
        {
            var parts = judged[index].Where(part => part.ValueKind == JsonValueKind.Object).ToArray();
            Assert.Equal(text, string.Concat(parts.SelectMany(part => Strings(part.GetProperty("tokens")))));
            Assert.Equal(Enumerable.Range(0, text.Length),
                parts.SelectMany(part => part.GetProperty("text_offset").EnumerateArray().Select(one => one.GetInt32())));
            var values = parts.SelectMany(part => part.GetProperty("token_logprobs").EnumerateArray()).ToArray();
            Assert.Equal(JsonValueKind.Null, values[0].ValueKind);
            Assert.Equal(Enumerable.Range(1, text.Length - 1).Select(place => place < text.Length / 2 ? -place : -0.5f),
                values.Skip(1).Select(one => one.GetSingle()));
        }

        host.Logs.AssertNoErrors();
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Post_PromptWithoutTokens_IsRefusedInWords()
    {
        await using var host = await GatewayHost.StartAsync();

        var error = (await PostAsync(host, """{"prompt":""}""", HttpStatusCode.BadRequest)).GetProperty("error");

        Assert.Equal("prompt must hold at least one token.", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Post_EchoOfNoTokens_IsThePromptAlone()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Generator.Script = _ => [];
            one.Generator.Reason = Generator.V1.FinishReason.MaxTokens;
        });

        var judged = await PostAsync(host, """{"prompt":"Hello","echo":true,"logprobs":0,"max_tokens":0}""");
        var plain = await PostAsync(host, """{"prompt":[72,101,108,108,111],"echo":true,"max_tokens":0}""");

        Assert.Equal(("Hello", "Hello", "length"), (judged.GetProperty("choices")[0].GetProperty("text").GetString(),
            plain.GetProperty("choices")[0].GetProperty("text").GetString(),
            plain.GetProperty("choices")[0].GetProperty("finish_reason").GetString()));
        Assert.Equal(5, judged.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("tokens").GetArrayLength());
        Assert.All(host.Generator.Requests, request =>
            Assert.Equal((0u, 0u), (request.Sampling.MaxTokens, request.Sampling.PromptLogprobs)));
    }

    [Fact]
    public async Task Post_BestOf_TellsTheLikeliest()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            // Choice 0 keeps the seed and is the least likely.
            one.Generator.Logprob = request => request.Sampling.Seed == 9 ? -3 : -0.1f;
            one.Generator.Script = request => FakeGenerator.Letters(request.Sampling.Seed == 9 ? "worse" : "better");
        });

        var answer = await PostAsync(host, """{"prompt":"Hi","best_of":3,"seed":9}""");

        var choice = Assert.Single(answer.GetProperty("choices").EnumerateArray());
        Assert.Equal(("better", 0, JsonValueKind.Null), (choice.GetProperty("text").GetString(), choice.GetProperty("index").GetInt32(),
            choice.GetProperty("logprobs").ValueKind));
        Assert.Equal(3, host.Generator.Requests.Count);
        Assert.Equal(17, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Stream_SeveralPrompts_TellsEachChoiceAndTheUsageLast()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Script = Louder);

        var chunks = await StreamAsync(host, """
            {"prompt":["ab","cd"],"n":2,"stream":true,"echo":true,"stream_options":{"include_usage":true}}
            """);

        Assert.Equal(["abAB", "abAB", "cdCD", "cdCD"], Enumerable.Range(0, 4).Select(index => TextOf(chunks, index)));
        Assert.Equal(4, chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
            .Count(choice => choice.GetProperty("finish_reason").GetString() == "stop"));
        Assert.All(chunks, chunk => Assert.Equal(("text_completion", "fake"),
            (chunk.GetProperty("object").GetString(), chunk.GetProperty("model").GetString())));
        Assert.Equal((0, 8), (chunks[^1].GetProperty("choices").GetArrayLength(),
            chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32()));
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Stream_EchoWithLogprobs_TellsThePromptBeforeItsAnswers()
    {
        await using var host = await GatewayHost.StartAsync();

        var chunks = await StreamAsync(host, """{"prompt":"Hello","n":2,"stream":true,"echo":true,"logprobs":1}""");

        var choices = chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray()).ToArray();
        foreach (var index in new[] { 0, 1 })
        {
            var own = choices.Where(choice => choice.GetProperty("index").GetInt32() == index).ToArray();
            Assert.Equal("Hello", own[0].GetProperty("text").GetString());
            Assert.Equal(5, own[0].GetProperty("logprobs").GetProperty("tokens").GetArrayLength());
            Assert.Equal(5, own[1].GetProperty("logprobs").GetProperty("text_offset")[0].GetInt32());
            Assert.Equal("HelloHello, world!", TextOf(chunks, index));
        }
    }

    [Theory]
    [InlineData("{}", "prompt", "missing_required_parameter")]
    [InlineData("""{"prompt":[]}""", "prompt", "array_below_min_length")]
    [InlineData("""{"prompt":5}""", "prompt", "invalid_type")]
    [InlineData("""{"prompt":[1,"a"]}""", "prompt[1]", "invalid_type")]
    [InlineData("""{"prompt":["a",5]}""", "prompt[1]", "invalid_type")]
    [InlineData("""{"prompt":[[]]}""", "prompt", "array_below_min_length")]
    [InlineData("""{"prompt":""}""", "prompt", "string_below_min_length")]
    [InlineData("""{"prompt":"a","suffix":"b"}""", "suffix", "unsupported_value")]
    [InlineData("""{"prompt":"a","best_of":1,"n":2}""", "best_of", "integer_below_min_value")]
    [InlineData("""{"prompt":"a","best_of":17}""", "best_of", "integer_above_max_value")]
    [InlineData("""{"prompt":"a","best_of":2,"stream":true}""", "best_of", "invalid_value")]
    [InlineData("""{"prompt":"a","logprobs":21}""", "logprobs", "integer_above_max_value")]
    [InlineData("""{"prompt":"a","logprobs":true}""", "logprobs", "invalid_type")]
    [InlineData("""{"prompt":"a","max_tokens":0}""", "max_tokens", "integer_below_min_value")]
    [InlineData("""{"prompt":"a","n_predict":0}""", "n_predict", "integer_below_min_value")]
    [InlineData("""{"prompt":"a","n_predict":0,"echo":false,"stop_strings":[""]}""", "stop_strings[0]", "string_below_min_length")]
    [InlineData("""{"prompt":"a","messages":[{"role":"user","content":"Hi"}]}""", "messages", "unsupported_value")]
    [InlineData("""{"prompt":"a","top_logprobs":3}""", "top_logprobs", "unsupported_value")]
    [InlineData("""{"prompt":"a","temperature":-1}""", "temperature", "decimal_below_min_value")]
    [InlineData("""{"prompt":"a","model":"other"}""", "model", "model_not_found")]
    public async Task Post_WhatCannotBeDone_IsRefusedByName(string body, string param, string code)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = (await PostAsync(host, body, code == "model_not_found" ? HttpStatusCode.NotFound : HttpStatusCode.BadRequest))
            .GetProperty("error");

        Assert.Equal((param, code), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.Empty(host.Generator.Requests);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_EveryFault_IsNamedAtOnce()
    {
        await using var host = await GatewayHost.StartAsync();

        var error = (await PostAsync(
            host, """{"prompt":"a","suffix":"x","top_p":2,"n":99}""", HttpStatusCode.BadRequest)).GetProperty("error");

        var message = error.GetProperty("message").GetString()!;
        Assert.All(["suffix ", "top_p ", "n must"], part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"suffix\":\"\"")]
    [InlineData("\"suffix\":null,\"echo\":false,\"best_of\":1,\"logprobs\":null,\"user\":\"u\",\"messages\":[],\"tools\":[]")]
    [InlineData("\"logprobs\":false,\"top_logprobs\":0,\"max_tokens\":null,\"stop\":null,\"response_format\":{\"type\":\"text\"}")]
    public async Task Post_ValueThatAsksForNothing_IsTheSameAsWithout(string fields)
    {
        await using var host = await GatewayHost.StartAsync();

        await PostAsync(host, $$"""{"prompt":"a",{{fields}}}""");
        await PostAsync(host, """{"prompt":"a"}""");

        var sent = host.Generator.Requests.Select(request => request.Sampling).ToList();
        Assert.Equal(sent[1], sent[0]);
    }

    [Fact]
    public async Task Post_OnePromptTooLong_RefusesAllWithBothCounts()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.ContextTokensMax = 5);

        var error = (await PostAsync(host, """{"prompt":["ab","abcdefgh"]}""", HttpStatusCode.BadRequest)).GetProperty("error");

        Assert.Equal(
            ("prompt", "context_length_exceeded"), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.Contains(
            "prompt must fit the context: 8 tokens, and the context of fake holds 5", error.GetProperty("message").GetString(),
            StringComparison.Ordinal);
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Post_MorePromptsThanAreServed_IsRefused()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["PromptsMax"] = "2" });

        var error = (await PostAsync(host, """{"prompt":["a","b","c"]}""", HttpStatusCode.BadRequest)).GetProperty("error");

        Assert.Equal("prompt must hold at most 2 prompts (it holds 3).", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Post_ThroughAKeysLimits_IsHeldToThem()
    {
        await using var host = await GatewayHost.StartAsync(new()
        {
            ["ApiKey"] = "secret",
            ["Limits:default:ConcurrentChoicesMax"] = "1",
            ["Limits:default:RequestsPerMinute"] = "2",
        });
        var http = host.Http();

        await PostAsync(host, """{"prompt":"a"}""", HttpStatusCode.Unauthorized);
        http.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        http.DefaultRequestHeaders.Add("x-request-id", "abc-1");
        using var one = await http.PostAsync("/v1/completions", new StringContent("""{"prompt":"a"}""", Encoding.UTF8, "application/json"));
        using var two = await http.PostAsync("/v1/completions",
            new StringContent("""{"prompt":"a","n":2}""", Encoding.UTF8, "application/json"));
        using var third = await http.PostAsync(
            "/v1/completions", new StringContent("""{"prompt":"a"}""", Encoding.UTF8, "application/json"));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.TooManyRequests],
            new[] { one, two, third }.Select(response => response.StatusCode));
        Assert.Equal(("abc-1", "1"), (one.Headers.GetValues("x-request-id").Single(),
            one.Headers.GetValues("x-ratelimit-remaining-requests").Single()));
    }

    [Fact]
    public async Task Stream_LostWithin_EndsWithAnErrorAndWithoutDone()
    {
        // Lost only once something was told: before that a fault is a status.
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: one =>
        {
            one.Generator.Fault = (2, null);
            one.Generator.BeforeBatch = (batch, token) => batch == 1 ? told.Task.WaitAsync(token) : Task.CompletedTask;
        });
        using var http = new HttpClient { BaseAddress = host.Http1 };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent("""{"prompt":"a","stream":true}""", Encoding.UTF8, "application/json"),
        };

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var text = "";
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            while (await reader.ReadLineAsync() is { } line)
            {
                text += line + "\n";
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                    told.TrySetResult();
            }
        });

        Assert.Contains("\"error\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        await host.AssertIdleAsync();
    }
}
