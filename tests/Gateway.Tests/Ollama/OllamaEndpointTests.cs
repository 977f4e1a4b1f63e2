using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;
using Parley.Generator.V1;
using static Parley.Gateway.Tests.Ollama.OllamaCalls;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>Chats and prompts over HTTP as Ollama has them: what the model is asked, and how its answer is told.</summary>
public sealed class OllamaEndpointTests
{
    private const string Hermes = "<|im_start|>assistant <think> <tool_call>";

    private const string Tools = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":"
        + "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}]";

    private static Task<GatewayHost> StartAsync(string answer) => GatewayHost.StartAsync(arrange: host =>
    {
        host.Tokenizer.ChatTemplate = Hermes;
        host.Generator.Script = _ => FakeGenerator.Letters(answer);
    });

    [Fact]
    public async Task Chat_ByDefault_StreamsLinesAndEndsWithItsFigures()
    {
        await using var host = await GatewayHost.StartAsync();

        var lines = await StreamAsync(host, "/api/chat", Messages);

        Assert.Equal("Hello, world!", Joined(lines, "content"));
        Assert.All(lines, line => Assert.Equal("fake", line.GetProperty("model").GetString()));
        Assert.All(lines, line => Assert.True(line.GetProperty("created_at").TryGetDateTimeOffset(out _)));
        Assert.All(lines.SkipLast(1), line => Assert.False(line.GetProperty("done").GetBoolean()));
        var end = lines[^1];
        Assert.True(end.GetProperty("done").GetBoolean());
        Assert.Equal("stop", end.GetProperty("done_reason").GetString());
        Assert.Equal(("<user>Hi".Length, 13), (end.GetProperty("prompt_eval_count").GetInt32(), end.GetProperty("eval_count").GetInt32()));
        Assert.Equal((2000, 3000), (end.GetProperty("prompt_eval_duration").GetInt64(), end.GetProperty("eval_duration").GetInt64()));
        Assert.True(end.GetProperty("total_duration").GetInt64() > 0);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Chat_Whole_IsOneObjectWithThoughtsAndCalls()
    {
        await using var host = await StartAsync(
            "<think>\nRain?\n</think>\n\nI look.\n"
            + "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call><|im_end|>");

        var (status, body, response) = await PostAsync(host, "/api/chat", $"{Messages},{Tools},\"stream\":false,\"think\":true");

        Assert.Equal((200, "application/json"), (status, response.Content.Headers.ContentType?.MediaType));
        var message = body.GetProperty("message");
        Assert.Equal(("assistant", "I look.", "Rain?"), (message.GetProperty("role").GetString(),
            message.GetProperty("content").GetString(), message.GetProperty("thinking").GetString()));
        var function = Assert.Single(message.GetProperty("tool_calls").EnumerateArray()).GetProperty("function");
        Assert.Equal(("get_weather", "Köln"), (function.GetProperty("name").GetString(),
            function.GetProperty("arguments").GetProperty("city").GetString()));
        Assert.Equal("stop", body.GetProperty("done_reason").GetString());
        Assert.Contains("\"enable_thinking\":true", Assert.Single(host.Tokenizer.Chats).TemplateArgumentsJson, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_StreamedCalls_ComeWholeBeforeTheEnd()
    {
        await using var host = await StartAsync(
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call><|im_end|>");

        var lines = await StreamAsync(host, "/api/chat", $"{Messages},{Tools}");

        var calls = Assert.Single(lines, line => line.GetProperty("message").TryGetProperty("tool_calls", out _));
        Assert.Equal(calls, lines[^2]);
        Assert.Equal("{\"city\": \"Köln\"}",
            calls.GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetRawText());
        Assert.True(lines[^1].GetProperty("done").GetBoolean());
    }

    [Fact]
    public async Task Chat_HistoryWithoutIds_GetsSomeThatBelongTogether()
    {
        await using var host = await GatewayHost.StartAsync();
        const string History = """
            "stream":false,"messages":[{"role":"User","content":"Rain?"},
              {"role":"assistant","thinking":"Hm.","tool_calls":[{"function":{"name":"a","arguments":{"x":1}}},
                {"function":{"name":"b","arguments":"{\"y\":2}"}}]},
              {"role":"tool","tool_name":"b","content":"two"},{"role":"tool","content":"one"},{"role":"user","content":"So?"}]
            """;

        await PostAsync(host, "/api/chat", History);

        var sent = Assert.Single(host.Tokenizer.Chats).Messages;
        Assert.Equal(["user", "assistant", "tool", "tool", "user"], sent.Select(message => message.Role));
        Assert.Equal(("", "Hm."), (sent[1].Content, sent[1].ReasoningContent));
        Assert.Equal(["{\"x\":1}", "{\"y\":2}"], sent[1].ToolCalls.Select(call => call.ArgumentsJson));
        Assert.Equal(9, sent[1].ToolCalls[0].Id.Length);
        Assert.Equal((sent[1].ToolCalls[1].Id, "b", "two"), (sent[2].ToolCallId, sent[2].Name, sent[2].Content));
        Assert.Equal((sent[1].ToolCalls[0].Id, "a", "one"), (sent[3].ToolCallId, sent[3].Name, sent[3].Content));
    }

    [Fact]
    public async Task Chat_SmallContext_DropsTheOldestTurnsAndKeepsTheSystemMessage()
    {
        await using var host = await GatewayHost.StartAsync();
        const string Long = "\"stream\":false,\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":"
            + "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"c\"}],"
            + "\"options\":{\"num_ctx\":40}";

        var (status, _, _) = await PostAsync(host, "/api/chat", Long);
        var (refused, body, _) = await PostAsync(host, "/api/chat", Long + ",\"truncate\":false");

        Assert.Equal(200, status);
        Assert.Equal(["system", "user"], host.Tokenizer.Chats.ElementAt(1).Messages.Select(message => message.Role));
        var prompt = "<system>S<user>c".Length;
        Assert.Equal((uint)(40 - prompt), Assert.Single(host.Generator.Requests).Sampling.MaxTokens);
        Assert.Equal(400, refused);
        Assert.Contains("the context of fake holds 40 with the answer", body.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_Logprobs_StandBesideTheirText()
    {
        await using var host = await GatewayHost.StartAsync();

        var lines = await StreamAsync(host, "/api/chat", Messages + ",\"logprobs\":true,\"top_logprobs\":2");
        var (_, body, _) = await PostAsync(host, "/api/generate", Prompt + ",\"logprobs\":true,\"stream\":false");

        var first = lines[0].GetProperty("logprobs")[0];
        Assert.Equal(("H", -0.5, 2), (first.GetProperty("token").GetString(), first.GetProperty("logprob").GetDouble(),
            first.GetProperty("top_logprobs").GetArrayLength()));
        Assert.Equal((byte)'H', first.GetProperty("bytes")[0].GetByte());
        Assert.Equal(13, body.GetProperty("logprobs").GetArrayLength());
        Assert.False(body.GetProperty("logprobs")[0].TryGetProperty("top_logprobs", out _));
    }

    [Fact]
    public async Task Generate_ContextOfAnAnswer_GoesBeforeTheNextPrompt()
    {
        await using var host = await GatewayHost.StartAsync();

        var (_, first, _) = await PostAsync(host, "/api/generate", Prompt + ",\"system\":\"S\",\"stream\":false");
        var context = first.GetProperty("context").GetRawText();
        await PostAsync(host, "/api/generate", $"\"prompt\":\"And?\",\"stream\":false,\"context\":{context}");
        await PostAsync(host, "/api/generate", $"\"prompt\":\"And?\",\"system\":\"T\",\"stream\":false,\"context\":{context}");

        Assert.Equal("Hello, world!", first.GetProperty("response").GetString());
        Assert.Equal(["<system>S<user>Hi", "<system>S<user>Hi<assistant>Hello, world!<user>And?",
            "<system>T<user>Hi<assistant>Hello, world!<user>And?"], host.Tokenizer.Chats.Select(FakeTokenizer.Render));
    }

    [Theory]
    [InlineData("[1,2,3]")]
    [InlineData("[1346458161,4,5,6]")]
    [InlineData("[1346458161,3,9999999]")]
    [InlineData("[1346458161,3,-1]")]
    [InlineData("[1346458161,2147483647,1]")]
    [InlineData("[1346458161]")]
    [InlineData("[\"a\"]")]
    public async Task Generate_ContextOfAnother_IsRefused(string context)
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, _) = await PostAsync(host, "/api/generate", $"{Prompt},\"context\":{context}");

        Assert.Equal((400, "context is none that this server has given."), (status, body.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task Generate_Raw_TakesThePromptAsItStands()
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, _) = await PostAsync(host, "/api/generate", "\"prompt\":\"Once <eos>\",\"raw\":true,\"stream\":false");
        var (refused, _, _) = await PostAsync(host, "/api/generate", Prompt + ",\"raw\":true,\"system\":\"S\"");

        Assert.Equal((200, "Hello, world!", 400), (status, body.GetProperty("response").GetString(), refused));
        Assert.False(body.TryGetProperty("context", out _));
        Assert.Empty(host.Tokenizer.Chats);
        Assert.Equal(FakeTokenizer.Ids("Once <eos>"), Assert.Single(host.Generator.Requests).PromptIds);
    }

    [Theory]
    [InlineData("/api/chat", "\"model\":\"fake\",\"messages\":[]", 200)]
    [InlineData("/api/chat", "\"model\":\"fake:latest\"", 200)]
    [InlineData("/api/generate", "\"model\":\"fake\"", 200)]
    [InlineData("/api/generate", "\"model\":\"fake\",\"prompt\":\"\",\"keep_alive\":\"1h\"", 200)]
    [InlineData("/api/generate", "\"model\":\"other\"", 404)]
    public async Task Request_ThatAsksNothing_LoadsTheModel(string path, string fields, int status)
    {
        await using var host = await GatewayHost.StartAsync();

        var (found, body, _) = await PostAsync(host, path, fields);

        Assert.Equal(status, found);
        Assert.Empty(host.Generator.Requests);
        if (status == 200)
            Assert.Equal((true, "load"), (body.GetProperty("done").GetBoolean(), body.GetProperty("done_reason").GetString()));
        else
            Assert.Equal("model not found: model 'other' is not served here; the model is 'fake'.", body.GetProperty("error").GetString());
    }

    [Fact]
    public async Task Chat_LimitReached_IsLength()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Reason = FinishReason.MaxTokens);

        var (_, body, _) = await PostAsync(host, "/api/chat", Messages + ",\"stream\":false");

        Assert.Equal("length", body.GetProperty("done_reason").GetString());
    }

    [Fact]
    public async Task Stream_WhileItWaits_HasEmptyLinesAndThenTheError()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await GatewayHost.StartAsync(null, time, onSockets: true);
        var waiting = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        host.Generator.BeforePrompt = async token =>
        {
            waiting.TrySetResult();
            await release.Task.WaitAsync(token);
            throw new RpcException(new Status(StatusCode.Unavailable, "draining"));
        };
        using var http = new HttpClient { BaseAddress = host.Http1 };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = new StringContent($"{{{Messages}}}", Encoding.UTF8, "application/json"),
        };
        var sending = http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await waiting.Task;

        time.Advance(TimeSpan.FromSeconds(10));
        using var response = await sending;
        release.SetResult();
        var lines = Lines(await response.Content.ReadAsStringAsync());

        Assert.Equal(2, lines.Count);
        Assert.Equal("", lines[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("The model is not available at the moment.", lines[1].GetProperty("error").GetString());
    }

    [Fact]
    public async Task Stream_GeneratorFailsMidway_EndsWithAnErrorLine()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true);
        host.Generator.Fault = (3, new FailedEvent { Code = FailureCode.StepFailed, Message = "OnnxRuntimeException at /srv/model.onnx" });
        using var http = new HttpClient { BaseAddress = host.Http1 };

        var text = await (await http.PostAsync(
            "/api/generate", new StringContent($"{{{Prompt}}}", Encoding.UTF8, "application/json"))).Content.ReadAsStringAsync();

        var lines = Lines(text);
        Assert.Equal("The model failed to answer; the server's log has the cause.", lines[^1].GetProperty("error").GetString());
        Assert.DoesNotContain(lines.SkipLast(1), line => line.GetProperty("done").GetBoolean());
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Post_FromAPageWithoutItsType_Is415()
    {
        await using var host = await GatewayHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = new StringContent($"{{{Messages}}}", Encoding.UTF8, "text/plain"),
        };
        request.Headers.Add("Origin", "https://evil.example");

        using var response = await host.Http().SendAsync(request);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Key_ThatIsMissing_Is401InItsShape()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["ApiKey"] = "pk-one" });
        foreach (var path in (string[])["/api/chat", "/api/generate", "/api/show", "/api/pull", "/api/embed", "/api/nothing"])
        {
            var (status, body, response) = await PostAsync(host, path, Messages);
            Assert.Equal((401, "Bearer"), (status, response.Headers.WwwAuthenticate.Single().Scheme));
            Assert.Equal(JsonValueKind.String, body.GetProperty("error").ValueKind);
        }

        foreach (var path in (string[])["/api/tags", "/api/ps", "/api/version"])
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.Http().GetAsync(path)).StatusCode);
        Assert.Empty(host.Generator.Requests);
    }
}
