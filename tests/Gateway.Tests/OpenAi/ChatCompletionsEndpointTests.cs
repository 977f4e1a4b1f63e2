using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests.OpenAi;

public sealed class ChatCompletionsEndpointTests
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static Task<HttpResponseMessage> PostAsync(GatewayHost host, string body) =>
        host.Http().PostAsync("/v1/chat/completions", Json(body));

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

    private static async Task<List<JsonElement>> StreamAsync(GatewayHost host, string fields)
    {
        using var response = await PostAsync(host, $"{{{Messages},\"stream\":true{fields}}}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var events = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", events[^1]);
        return [.. events[..^1].Where(one => one[0] != ':').Select(one => JsonDocument.Parse(one["data: ".Length..]).RootElement)];
    }

    private static string TextOf(IEnumerable<JsonElement> chunks, int choice) => string.Concat(chunks
        .SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
        .Where(one => one.GetProperty("index").GetInt32() == choice && one.GetProperty("delta").TryGetProperty("content", out _))
        .Select(one => one.GetProperty("delta").GetProperty("content").GetString()));

    [Fact]
    public async Task Post_StreamedAndNot_GiveTheSameAnswer()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = request => FakeGenerator.Letters($"naïve 👍 \"quoted\"\n{request.Sampling.Seed % 1000}");

        using var whole = await PostAsync(host, $"{{\"model\":\"fake\",{Messages},\"n\":2,\"seed\":5}}");
        var chunks = await StreamAsync(host, ",\"n\":2,\"seed\":5,\"stream_options\":{\"include_usage\":true}");

        var answer = await ReadAsync(whole);
        Assert.Equal("chat.completion", answer.GetProperty("object").GetString());
        for (var choice = 0; choice < 2; choice++)
        {
            var one = answer.GetProperty("choices")[choice];
            Assert.Equal(one.GetProperty("message").GetProperty("content").GetString(), TextOf(chunks, choice));
            Assert.Equal("stop", one.GetProperty("finish_reason").GetString());
        }

        Assert.Equal("assistant", chunks[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        var last = chunks[^1];
        Assert.Equal(0, last.GetProperty("choices").GetArrayLength());
        Assert.Equal(answer.GetProperty("usage").GetRawText(), last.GetProperty("usage").GetRawText());
        Assert.All(chunks.SkipLast(1), chunk => Assert.Equal(JsonValueKind.Null, chunk.GetProperty("usage").ValueKind));
        Assert.StartsWith("chatcmpl-", last.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal("fp_0123456789ab", last.GetProperty("system_fingerprint").GetString());
        Assert.Equal("fake", last.GetProperty("model").GetString());
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("", "Hello", "stop")]
    [InlineData(",\"stop\":\"wor\"", "Hello, ", "stop")]
    public async Task Post_ModelWithItsOwnStopStrings_EndsThereUnlessTheRequestNamesOthers(string fields, string text, string reason)
    {
        await using var host = await GatewayHost.StartAsync(arrange: host => host.Generator.StopStrings = [","]);

        var chunks = await StreamAsync(host, fields);

        Assert.Equal(text, TextOf(chunks, 0));
        Assert.Equal(reason, chunks[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Post_WithoutIncludeUsage_HasNoUsageAndEndsInAFinishReason()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Reason = FinishReason.MaxTokens;

        var chunks = await StreamAsync(host, "");

        Assert.All(chunks, chunk => Assert.False(chunk.TryGetProperty("usage", out _)));
        Assert.Equal("length", chunks[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Post_EveryField_ReachesTheServices()
    {
        await using var host = await GatewayHost.StartAsync();
        const string Body = """
            {"model":"fake","messages":[
              {"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
              {"role":"assistant","content":null,"refusal":null,
               "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},
              {"role":"tool","tool_call_id":"c1","content":"ok"},{"role":"user","content":"Hi","name":"me"}],
             "temperature":0.5,"top_p":0.75,"top_k":-1,"min_p":0.125,"typical_p":0.5,"repetition_penalty":1.5,
             "presence_penalty":-1,"frequency_penalty":1,"no_repeat_ngram_size":3,"logit_bias":{"65":-100},"seed":-1,
             "max_completion_tokens":9,"min_tokens":2,"ignore_eos":true,"stop_token_ids":[5],"stop":"END","draft_tokens":4,
             "user":"u","metadata":{"a":"b"},"store":false,"service_tier":"auto","parallel_tool_calls":true,
             "response_format":{"type":"text"},"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto",
             "chat_template_kwargs":{"thinking":false},"add_generation_prompt":true}
            """;

        using var response = await PostAsync(host, Body);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var sampling = Assert.Single(host.Generator.Requests).Sampling;
        var expected = new SamplingParameters
        {
            Temperature = 0.5f,
            TopP = 0.75f,
            TopK = 0,
            MinP = 0.125f,
            TypicalP = 0.5f,
            RepetitionPenalty = 1.5f,
            PresencePenalty = -1,
            FrequencyPenalty = 1,
            NoRepeatNgramSize = 3,
            Seed = ulong.MaxValue,
            MaxTokens = 9,
            MinTokens = 2,
            IgnoreEos = true,
            LogitBias = { [65] = -100 },
            StopTokenIds = { 5 },
            DraftTokens = 4,
        };
        Assert.Equal(expected, sampling);
        var chat = Assert.Single(host.Tokenizer.Chats);
        Assert.Equal(["system", "assistant", "tool", "user"], chat.Messages.Select(message => message.Role));
        Assert.Equal(["a", "b"], chat.Messages[0].Parts.Select(part => part.Text));
        Assert.Equal("", chat.Messages[1].Content);
        Assert.Equal("{\"x\":1}", chat.Messages[1].ToolCalls[0].ArgumentsJson);
        Assert.Equal("c1", chat.Messages[2].ToolCallId);
        Assert.Single(chat.ToolsJson);
        Assert.Equal("{\"thinking\":false}", chat.TemplateArgumentsJson);
    }

    [Fact]
    public async Task Post_NoSamplingField_LeavesEverythingToTheModel()
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, $"{{{Messages},\"temperature\":null}}");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(new SamplingParameters(), Assert.Single(host.Generator.Requests).Sampling);
    }

    [Fact]
    public async Task Post_Logprobs_NamesTokensAndBytes()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = _ => FakeGenerator.Letters("AB");

        var chunks = await StreamAsync(host, ",\"logprobs\":true,\"top_logprobs\":2");
        using var whole = await PostAsync(host, $"{{{Messages},\"logprobs\":true,\"top_logprobs\":2}}");

        var streamed = chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray()).Select(
            choice => choice.GetProperty("logprobs"))
            .Where(logprobs => logprobs.ValueKind == JsonValueKind.Object).SelectMany(
                logprobs => logprobs.GetProperty("content").EnumerateArray())
            .Select(one => one.GetRawText());
        var content = (await ReadAsync(whole)).GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content");
        Assert.Equal(content.EnumerateArray().Select(one => one.GetRawText()), streamed);
        Assert.Equal("A", content[0].GetProperty("token").GetString());
        Assert.Equal(65, content[0].GetProperty("bytes")[0].GetInt32());
        Assert.Equal("B", content[0].GetProperty("top_logprobs")[1].GetProperty("token").GetString());
    }

    [Theory]
    [InlineData(false, "", 0)]
    [InlineData(true, " ", 1)]
    public async Task Post_LogprobsOfAFirstSpace_FollowTheText(bool continues, string token, int bytes)
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = _ => FakeGenerator.Letters(" A ");
        var fields = $"\"logprobs\":true,\"top_logprobs\":1,\"continue_final_message\":{(continues ? "true" : "false")}";
        var messages = continues ? "\"messages\":[{\"role\":\"assistant\",\"content\":\"It\"}],\"add_generation_prompt\":false" : Messages;

        using var whole = await PostAsync(host, $"{{{messages},{fields}}}");

        var content = (await ReadAsync(whole)).GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content");
        Assert.Equal([token, "A", " "], content.EnumerateArray().Select(one => one.GetProperty("token").GetString()));
        Assert.Equal([bytes, 1, 1], content.EnumerateArray().Select(one => one.GetProperty("bytes").GetArrayLength()));
    }

    [Fact]
    public async Task Post_ContinuedMessage_TellsTheTokenizerWhatStandsBefore()
    {
        await using var host = await GatewayHost.StartAsync();
        var text = new string('x', 100) + "is";

        using var opened = await PostAsync(host, $"{{{Messages},\"min_tokens\":3}}");
        using var continued = await PostAsync(host,
            $"{{\"messages\":[{{\"role\":\"assistant\",\"content\":\"{text}\"}}],\"continue_final_message\":true,"
            + "\"add_generation_prompt\":false}");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (opened.StatusCode, continued.StatusCode));
        var starts = host.Tokenizer.Starts.ToArray();
        Assert.Equal((3u, 0), (starts[0].MinTokens, starts[0].PrefixIds.Count));
        var prompt = host.Generator.Requests.Last().PromptIds;
        Assert.Equal(prompt.TakeLast(64), starts[1].PrefixIds);
        Assert.Equal(0u, starts[1].MinTokens);
    }

    [Theory]
    [InlineData("{", 400, "line 1")]
    [InlineData("{\"messages\":\n [}", 400, "line 2")]
    [InlineData("[]", 400, "body must be an object")]
    [InlineData("{\"messages\":[]}", 400, "messages must hold at least one message")]
    [InlineData("{\"messages\":[{\"role\":\"wizard\",\"content\":\"x\"}]}", 400, "messages[0].role 'wizard' is unknown")]
    [InlineData("{\"messages\":[{\"role\":\"user\"}]}", 400, "messages[0].content is missing")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", 400,
        "messages[0].content[0].type 'image_url'")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}", 400, "not valid Unicode")]
    [InlineData("{MESSAGES,\"temperature\":-1}", 400, "temperature must be between 0 and 100 (it is -1)")]
    [InlineData("{MESSAGES,\"temperature\":\"hot\"}", 400, "temperature must be a number")]
    [InlineData("{MESSAGES,\"temperature\":1e400}", 400, "temperature must be")]
    [InlineData("{MESSAGES,\"max_tokens\":0}", 400, "max_tokens must be at least 1")]
    [InlineData("{MESSAGES,\"max_tokens\":5,\"max_completion_tokens\":6}", 400, "contradicts its other name")]
    [InlineData("{MESSAGES,\"n\":0}", 400, "n must be between 1 and 16")]
    [InlineData("{MESSAGES,\"stop\":[\"\"]}", 400, "stop[0] must not be empty")]
    [InlineData("{MESSAGES,\"top_logprobs\":3}", 400, "needs logprobs")]
    [InlineData("{MESSAGES,\"tool_choice\":\"required\"}", 400, "tool_choice asks for a call, and there are no tools")]
    [InlineData("{MESSAGES,\"response_format\":{\"type\":\"json_schema\"}}", 400, "response_format.json_schema is missing")]
    [InlineData("{MESSAGES,\"store\":true}", 400, "store is supported as false only (it is true)")]
    [InlineData("{MESSAGES,\"temperature\":1,\"temperature\":2}", 400, "not valid JSON")]
    [InlineData("{MESSAGES,\"model\":\"gpt-9\"}", 404, "'gpt-9' is not served here; the model is 'fake'")]
    public async Task Post_BadRequest_IsRefusedByName(string body, int status, string message)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, body.Replace("MESSAGES", Messages, StringComparison.Ordinal));

        var error = (await ReadAsync(response)).GetProperty("error");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.NotEqual(JsonValueKind.Undefined, error.GetProperty("param").ValueKind);
        Assert.NotEqual(JsonValueKind.Undefined, error.GetProperty("code").ValueKind);
        Assert.Empty(host.Generator.Requests);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_ManyFaults_AreAllNamedAtOnce()
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, "{\"messages\":[{\"role\":\"x\"}],\"top_p\":7,\"tfs_z\":2,\"seed\":\"s\"}");

        var error = (await ReadAsync(response)).GetProperty("error");
        var message = error.GetProperty("message").GetString()!;
        Assert.All(["tfs_z", "seed", "messages[0].role", "messages[0].content", "top_p"], name =>
            Assert.Contains(name, message, StringComparison.Ordinal));
        Assert.Equal("tfs_z", error.GetProperty("param").GetString());
    }

    [Fact]
    public async Task Post_BodyOverTheLimit_Is413()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["BodyBytesMax"] = "1024" });

        using var response = await PostAsync(host, $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"{new string('x', 2000)}\"}}]}}");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Post_TextPlain_Is415()
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await host.Http().PostAsync("/v1/chat/completions", new StringContent("{}"));

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task Post_PromptOverTheContext_IsRefusedWithItsNumbers()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.ContextTokensMax = 8);

        using var response = await PostAsync(host, $"{{{Messages}}}");

        var error = (await ReadAsync(response)).GetProperty("error");
        Assert.Equal("context_length_exceeded", error.GetProperty("code").GetString());
        Assert.Equal("messages", error.GetProperty("param").GetString());
        Assert.Contains("8 tokens", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_TemplateRefusesTheChat_Is400WithItsReason()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Tokenizer.EncodeFault = FakeTokenizer.InvalidTemplate();

        using var response = await PostAsync(host, $"{{{Messages}}}");

        var error = (await ReadAsync(response)).GetProperty("error");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("messages", error.GetProperty("param").GetString());
        Assert.Contains("roles must alternate", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer")]
    [InlineData("generator")]
    public async Task Post_ServiceMissing_Is503WithRetryAfterAndNothingOfTheInside(string missing)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Missing.Add(missing));

        using var streamed = await PostAsync(host, $"{{{Messages},\"stream\":true}}");
        using var whole = await PostAsync(host, $"{{{Messages}}}");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable), (streamed.StatusCode, whole.StatusCode));
        foreach (var response in new[] { streamed, whole })
        {
            Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
            Assert.Equal(
                "The model is not available at the moment.",
                (await ReadAsync(response)).GetProperty("error").GetProperty("message").GetString());
        }

        Assert.Contains(host.Logs.Entries, line => line.Contains($"at http://{missing} answered Unavailable", StringComparison.Ordinal));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_GeneratorIsFull_Is429WithRetryAfter()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Refusal = new Google.Rpc.Status
        {
            Code = (int)StatusCode.ResourceExhausted,
            Message = "the queue is full",
            Details =
            {
                Google.Protobuf.WellKnownTypes.Any.Pack(new Google.Rpc.RetryInfo
                {
                    RetryDelay = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromMilliseconds(2500)),
                }),
            },
        }.ToRpcException();

        using var response = await PostAsync(host, $"{{{Messages},\"stream\":true}}");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("3", response.Headers.GetValues("Retry-After").Single());
    }

    [Fact]
    public async Task Post_PermitsTaken_Is429AndTheyComeBack()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["ConcurrentChoicesMax"] = "2", ["ChoicesMax"] = "2" });
        var release = new TaskCompletionSource();
        var reached = new TaskCompletionSource();
        host.Generator.BeforeBatch = (_, token) =>
        {
            reached.TrySetResult();
            return release.Task.WaitAsync(token);
        };
        var first = PostAsync(host, $"{{{Messages}}}");
        await reached.Task;

        using var second = await PostAsync(host, $"{{{Messages},\"n\":2}}");
        release.SetResult();
        using var done = await first;
        using var third = await PostAsync(host, $"{{{Messages},\"n\":2}}");

        Assert.Equal(
            (HttpStatusCode.TooManyRequests, HttpStatusCode.OK, HttpStatusCode.OK), (second.StatusCode, done.StatusCode, third.StatusCode));
    }

    [Fact]
    public async Task Post_ClientLeavesMidStream_CancelsUpstreamOnce()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.BeforeBatch = (number, token) => number < 2 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, token);
        using (var message = new HttpRequestMessage(
            HttpMethod.Post, "/v1/chat/completions")
        { Content = Json($"{{{Messages},\"stream\":true}}") })
        using (var response = await host.Http().SendAsync(message, HttpCompletionOption.ResponseHeadersRead))
        await using (var stream = await response.Content.ReadAsStreamAsync())
        {
            Assert.True(await stream.ReadAsync(new byte[10]) > 0);
        }

        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_NothingToSayForLong_SendsKeepAliveBeforeTheFirstEvent()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await GatewayHost.StartAsync(new() { ["KeepAliveSeconds"] = "5" }, time);
        var waiting = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        host.Generator.BeforePrompt = token =>
        {
            waiting.TrySetResult();
            return release.Task.WaitAsync(token);
        };
        using var message = new HttpRequestMessage(
            HttpMethod.Post, "/v1/chat/completions")
        { Content = Json($"{{{Messages},\"stream\":true}}") };
        var sending = host.Http().SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        await waiting.Task;

        time.Advance(TimeSpan.FromSeconds(5));
        using var response = await sending;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var first = await reader.ReadLineAsync();
        release.SetResult();
        var rest = await reader.ReadToEndAsync();

        Assert.Equal(": keep-alive", first);
        Assert.Contains("data: [DONE]", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_TakesTooLong_Is504()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await GatewayHost.StartAsync(new() { ["RequestDurationSecondsMax"] = "30" }, time);
        var waiting = new TaskCompletionSource();
        host.Generator.BeforePrompt = token =>
        {
            waiting.TrySetResult();
            return Task.Delay(Timeout.Infinite, token);
        };
        var sending = PostAsync(host, $"{{{Messages}}}");
        await waiting.Task;

        time.Advance(TimeSpan.FromSeconds(31));
        using var response = await sending;

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Post_RequestIdGiven_ComesBackAndTravels()
    {
        await using var host = await GatewayHost.StartAsync();
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Json($"{{{Messages}}}") };
        message.Headers.Add("x-request-id", "abc-1");

        using var response = await host.Http().SendAsync(message);

        Assert.Equal("abc-1", response.Headers.GetValues("x-request-id").Single());
        Assert.Equal("chatcmpl-abc-1", (await ReadAsync(response)).GetProperty("id").GetString());
        Assert.Equal("abc-1", Assert.Single(host.Generator.Requests).RequestId);
    }
}
