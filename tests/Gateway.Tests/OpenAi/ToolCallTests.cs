using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>Tools both ways and reasoning over HTTP: what a model writes in its format is told as OpenAI's clients expect it.</summary>
public sealed class ToolCallTests
{
    private const string Hermes = "<|im_start|>assistant <think> <tool_call>";

    private const string Tools = """
        "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{
          "city":{"type":"string"},"days":{"type":"integer"}}}}}]
        """;

    private const string Call = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\", \"days\": \"3\"}"
        + "}\n</tool_call>";

    [Fact]
    public async Task Post_AnAnswerThatThinksAndCalls_HasReasoningContentAndCalls()
    {
        await using var host = await StartAsync($"<think>\nRain?\n</think>\n\nI look.\n{Call}<|im_end|>");

        var answer = await PostAsync(host, Body(Tools));

        var choice = answer.GetProperty("choices")[0];
        var message = choice.GetProperty("message");
        Assert.Equal("I look.", message.GetProperty("content").GetString());
        Assert.Equal("Rain?", message.GetProperty("reasoning_content").GetString());
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        var call = Assert.Single(message.GetProperty("tool_calls").EnumerateArray());
        Assert.StartsWith("call_", call.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal("get_weather", call.GetProperty("function").GetProperty("name").GetString());
        using var arguments = JsonDocument.Parse(call.GetProperty("function").GetProperty("arguments").GetString()!);
        Assert.Equal(3, arguments.RootElement.GetProperty("days").GetInt32());
        var usage = answer.GetProperty("usage");
        var reasoned = usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32();
        Assert.InRange(reasoned, "Rain?".Length, "<think>\nRain?\n</think>".Length);
        Assert.True(Assert.Single(host.Tokenizer.Starts).MarkSpecialTokens);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_Streamed_TellsTheSameInDeltas()
    {
        await using var host = await StartAsync($"<think>\nRain?\n</think>\n\nI look.\n{Call}{Call}<|im_end|>");

        var chunks = await StreamAsync(host, Body(Tools, "\"stream\":true"));

        Assert.Equal("I look.", Joined(chunks, "content"));
        Assert.Equal("Rain?", Joined(chunks, "reasoning_content"));
        var calls = Deltas(chunks).Where(delta => delta.TryGetProperty("tool_calls", out _))
            .SelectMany(delta => delta.GetProperty("tool_calls").EnumerateArray()).ToArray();
        Assert.Equal(2, calls.Select(call => call.GetProperty("index").GetInt32()).Distinct().Count());
        Assert.Equal(2, calls.Where(call => call.TryGetProperty("id",
            out _)).Select(call => call.GetProperty("id").GetString()).Distinct().Count());
        var first = string.Concat(calls.Where(call => call.GetProperty("index").GetInt32() == 0)
            .Select(call => call.GetProperty("function").GetProperty("arguments").GetString()));
        Assert.Equal("{\"city\": \"Köln\", \"days\": 3}", first);
        Assert.True(calls.Length > 20, "arguments come while they are written");
        Assert.Equal("tool_calls", Reason(chunks));
    }

    [Theory]
    [InlineData("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"K", "stop")]
    [InlineData("<tool_call>\nno JSON at all</tool_call>", "stop")]
    [InlineData("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"n\": NaN}}</tool_call>", "stop")]
    [InlineData("<tool_call>\n[1, 2]</tool_call>", "stop")]
    public async Task Post_ACallThatDoesNotParse_IsContentAsItStands(string text, string reason)
    {
        await using var host = await StartAsync($"See: {text}");

        var whole = (await PostAsync(host, Body(Tools))).GetProperty("choices")[0];
        var chunks = await StreamAsync(host, Body(Tools, "\"stream\":true"));

        Assert.Equal($"See: {text}", whole.GetProperty("message").GetProperty("content").GetString());
        Assert.False(whole.GetProperty("message").TryGetProperty("tool_calls", out _));
        Assert.Equal(reason, whole.GetProperty("finish_reason").GetString());
        Assert.Equal($"See: {text}", Joined(chunks, "content"));
        Assert.Equal(reason, Reason(chunks));
    }

    [Theory]
    [InlineData("\"temperature\":0")]
    [InlineData("\"tool_choice\":\"none\"," + Tools)]
    public async Task Post_ACallWithoutTools_IsContent(string fields)
    {
        await using var host = await StartAsync(Call + "<|im_end|>");

        var choice = (await PostAsync(host, Body(fields))).GetProperty("choices")[0];

        Assert.Equal(Call, choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Empty(Assert.Single(host.Tokenizer.Chats).ToolsJson);
    }

    [Fact]
    public async Task Post_OneCallWanted_EndsTheAnswerWithTheFirst()
    {
        await using var host = await StartAsync(Call + Call + "<|im_end|>");
        // What comes after the first call is not waited for: the Generator is left, and says no more.
        host.Generator.BeforeBatch = (number, cancel) => number < Call.Length + 20 ? Task.CompletedTask : Task.Delay(Timeout.Infinite,
            cancel);

        var choice = (await PostAsync(host, Body(Tools, "\"parallel_tool_calls\":false"))).GetProperty("choices")[0];

        Assert.Single(choice.GetProperty("message").GetProperty("tool_calls").EnumerateArray());
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }

    [Fact]
    public async Task Post_ThePromptHasOpenedTheReasoning_IsReasoning()
    {
        await using var host = await StartAsync("Rain?\n</think>\n\nYes.<|im_end|>", opening: "<|im_start|>assistant\n<think>\n");

        var message = (await PostAsync(host, Body())).GetProperty("choices")[0].GetProperty("message");

        Assert.Equal("Yes.", message.GetProperty("content").GetString());
        Assert.Equal("Rain?", message.GetProperty("reasoning_content").GetString());
    }

    [Fact]
    public async Task Post_SpecialTokensInTheAnswer_AreReadAndNotShown()
    {
        await using var host = await StartAsync(
            "<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Köln\"}}<|eot_id|>",
            template: "<|start_header_id|> <|eot_id|> <|python_tag|>");

        var message = (await PostAsync(host, Body(Tools))).GetProperty("choices")[0].GetProperty("message");
        Assert.Single(message.GetProperty("tool_calls").EnumerateArray());
        Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);

        host.Generator.Script = _ => FakeGenerator.Letters("a<|python_tag|>no<|im_end|> call<|eot_id|>");
        message = (await PostAsync(host, Body())).GetProperty("choices")[0].GetProperty("message");
        Assert.Equal("ano call", message.GetProperty("content").GetString());
    }

    [Fact]
    public async Task Post_AModelsOwnResponseTemplate_ReadsItsAnswers()
    {
        await using var host = await GatewayHost.StartAsync(arrange: host =>
        {
            host.Tokenizer.ResponseTemplateJson =
                """{"start_anchor": "@", "fields": {"thinking": {"open": "((", "close": "))"}, "content": {}}}""";
            host.Tokenizer.Opening = "@";
            host.Generator.Script = _ => FakeGenerator.Letters("((so))done");
        });

        var message = (await PostAsync(host, Body())).GetProperty("choices")[0].GetProperty("message");

        Assert.Equal("done", message.GetProperty("content").GetString());
        Assert.Equal("so", message.GetProperty("reasoning_content").GetString());
    }

    private static Task<GatewayHost> StartAsync(string answer, string opening = "<|im_start|>assistant\n", string template = Hermes) =>
        GatewayHost.StartAsync(arrange: host =>
        {
            host.Tokenizer.ChatTemplate = template;
            host.Tokenizer.Opening = opening;
            host.Generator.Script = _ => FakeGenerator.Letters(answer);
        });

    private static string Body(params string[] fields) =>
        "{" + string.Join(",", fields.Prepend("\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]")) + "}";

    private static async Task<HttpResponseMessage> SendAsync(GatewayHost host, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await host.Http().PostAsync("/v1/chat/completions", content);
    }

    private static async Task<JsonElement> PostAsync(GatewayHost host, string body)
    {
        using var response = await SendAsync(host, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }

    private static async Task<JsonElement[]> StreamAsync(GatewayHost host, string body)
    {
        using var response = await SendAsync(host, body);
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n')
            .Where(line => line.StartsWith("data: {", StringComparison.Ordinal));
        return [.. lines.Select(line => JsonElement.Parse(line[6..]))];
    }

    private static IEnumerable<JsonElement> Deltas(JsonElement[] chunks) =>
        chunks.Where(chunk => chunk.GetProperty("choices").GetArrayLength() > 0)
            .Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta"));

    private static string Joined(JsonElement[] chunks, string name) => string.Concat(
        Deltas(chunks).Select(delta => delta.TryGetProperty(name, out var text) ? text.GetString() : ""));

    private static string? Reason(JsonElement[] chunks) => chunks
        .Select(chunk => chunk.GetProperty("choices")[0].GetProperty("finish_reaso"
            + "n").GetString()).LastOrDefault(reason => reason is not null);
}
