using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;
using static Parley.Gateway.Tests.ResponsesApi.ResponsesHost;

namespace Parley.Gateway.Tests.ResponsesApi;

/// <summary><c>POST /v1/responses</c>: what goes in, and the object that comes out.</summary>
public sealed class ResponsesEndpointTests
{
    private static Task<GatewayHost> StartAsync(string answer) => GatewayHost.StartAsync(arrange: host =>
    {
        host.Tokenizer.ChatTemplate = Hermes;
        host.Generator.Script = _ => FakeGenerator.Letters(answer);
    });

    [Fact]
    public async Task Post_AText_IsAnsweredByAMessage()
    {
        await using var host = await GatewayHost.StartAsync();

        var response = await host.PostAsync("""
            {"model":"fake","input":"Hi","instructions":"Be brief.","max_output_tokens":20,"temperature":0.5,"top_p":0.9,
             "metadata":{"a":"b"},"user":"u","reasoning":{"effort":"low"}}
            """);

        Assert.Equal(("response", "completed", "fake", "Be brief.", true), (response.GetProperty("object").GetString(),
            response.GetProperty("status").GetString(), response.GetProperty("model").GetString(),
            response.GetProperty("instructions").GetString(), response.GetProperty("store").GetBoolean()));
        var item = Assert.Single(response.GetProperty("output").EnumerateArray());
        Assert.Equal(("message", "completed", "assistant", "output_text", "Hello, world!"), (TypeOf(item),
            item.GetProperty("status").GetString(), item.GetProperty("role").GetString(), TypeOf(item.GetProperty("content")[0]),
            item.GetProperty("content")[0].GetProperty("text").GetString()));
        Assert.Equal((20, 0.5f, "b", "low", "text"), (response.GetProperty("max_output_tokens").GetInt32(),
            response.GetProperty("temperature").GetSingle(), response.GetProperty("metadata").GetProperty("a").GetString(),
            response.GetProperty("reasoning").GetProperty("effort").GetString(),
            TypeOf(response.GetProperty("text").GetProperty("format"))));
        Assert.Equal(13, response.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        Assert.Equal(3, response.GetProperty("usage").GetProperty("input_tokens_details").GetProperty("cached_tokens").GetInt32());
        var chat = Assert.Single(host.Tokenizer.Chats);
        Assert.Equal([("system", "Be brief."), ("user", "Hi")], chat.Messages.Select(message => (message.Role, message.Content)));
        Assert.Contains("\"reasoning_effort\":\"low\"", chat.TemplateArgumentsJson, StringComparison.Ordinal);
        Assert.Equal(20u, Assert.Single(host.Generator.Requests).Sampling.MaxTokens);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_AnAnswerThatThinksSaysAndCalls_IsThreeItems()
    {
        await using var host = await StartAsync($"<think>\nRain?\n</think>\n\nI look.\n{Call}<|im_end|>");

        var response = await host.PostAsync($$"""{"input":"Rain?","tools":[{{Weather}}]}""");

        var items = response.GetProperty("output").EnumerateArray().ToArray();
        Assert.Equal(["reasoning", "message", "function_call"], items.Select(TypeOf));
        Assert.Equal(("reasoning_text", "Rain?", 0), (TypeOf(items[0].GetProperty("content")[0]),
            items[0].GetProperty("content")[0].GetProperty("text").GetString(), items[0].GetProperty("summary").GetArrayLength()));
        Assert.Equal("I look.", response.Text());
        Assert.Equal(("get_weather", "{\"city\": \"Köln\"}"),
            (items[2].GetProperty("name").GetString(), items[2].GetProperty("arguments").GetString()));
        Assert.StartsWith("call_", items[2].GetProperty("call_id").GetString(), StringComparison.Ordinal);
        Assert.True(response.GetProperty("usage").GetProperty("output_tokens_details").GetProperty("reasoning_tokens").GetInt32() > 0);
        using var tool = JsonDocument.Parse(Assert.Single(Assert.Single(host.Tokenizer.Chats).ToolsJson));
        Assert.Equal(("function", "get_weather"), (TypeOf(tool.RootElement),
            tool.RootElement.GetProperty("function").GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Post_Items_AreTheMessagesOfAChat()
    {
        await using var host = await GatewayHost.StartAsync();

        await host.PostAsync("""
            {"input":[
              {"role":"developer","content":"Be kind."},
              {"type":"message","role":"user","content":[{"type":"input_text","text":"Rain"},{"type":"input_text","text":"?"}]},
              {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"Look."}]},
              {"type":"message","role":"assistant","id":"msg_1","status":"completed",
               "content":[{"type":"output_text","text":"I look.","annotations":[]}]},
              {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
              {"type":"function_call","call_id":"c2","name":"g","arguments":{}},
              {"type":"function_call_output","call_id":"c1","output":"wet"},
              {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"cold"}]}]}
            """);

        var sent = Assert.Single(host.Tokenizer.Chats).Messages;
        Assert.Equal(["system", "user", "assistant", "tool", "tool"], sent.Select(message => message.Role));
        Assert.Equal(["Rain", "?"], sent[1].Parts.Select(part => part.Text));
        Assert.Equal(("I look.", "Look."), (sent[2].Content, sent[2].ReasoningContent));
        Assert.Equal([("c1", "f", "{\"a\":1}"), ("c2", "g", "{}")],
            sent[2].ToolCalls.Select(call => (call.Id, call.Name, call.ArgumentsJson)));
        Assert.Equal([("c1", "wet"), ("c2", "cold")], sent.Skip(3).Select(message => (message.ToolCallId, message.Content)));
    }

    [Fact]
    public async Task Post_JsonSchema_GuidesTheAnswer()
    {
        await using var host = await GatewayHost.StartAsync();

        await host.PostAsync("""
            {"input":"Hi","text":{"format":{"type":"json_schema","name":"x","strict":true,"schema":{"type":"object"}},"verbosity":"medium"}}
            """);
        await host.PostAsync("""{"input":"Hi","text":{"format":{"type":"json_object"}}}""");

        Assert.All(host.Generator.Requests, request => Assert.Equal("""{"type":"object"}""", request.Sampling.Guide.JsonSchema));
    }

    [Fact]
    public async Task Post_LogprobsIncluded_AreOfTheText()
    {
        await using var host = await StartAsync("<think>\nab\n</think>\n\nHi<|im_end|>");

        var response = await host.PostAsync("""{"input":"Hi","include":["message.output_text.logprobs"],"top_logprobs":2}""");

        var logprobs = response.GetProperty("output")[1].GetProperty("content")[0].GetProperty("logprobs").EnumerateArray().ToArray();
        Assert.Equal(["H", "i"], logprobs.Take(2).Select(token => token.GetProperty("token").GetString()));
        Assert.Equal(2, logprobs[0].GetProperty("top_logprobs").GetArrayLength());
        Assert.Equal(2u, Assert.Single(host.Generator.Requests).Sampling.TopLogprobs);
    }

    [Fact]
    public async Task Post_AnAnswerCutShort_IsIncomplete()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Reason = Generator.V1.FinishReason.MaxTokens);

        var response = await host.PostAsync("""{"input":"Hi"}""");

        Assert.Equal(("incomplete", "max_output_tokens", "incomplete"), (response.GetProperty("status").GetString(),
            response.GetProperty("incomplete_details").GetProperty("reason").GetString(),
            response.GetProperty("output")[0].GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Post_AutoTruncation_DropsTheOldestTurnsWhole()
    {
        // "<system>S" and a turn of "<user>…<assistant>…" each; the context holds the last turns only.
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.ContextTokensMax = 80);
        var turns = string.Join(',', Enumerable.Range(0, 5).Select(turn =>
            $$"""
            {"role":"user","content":"q{{turn}}"},{"type":"function_call","call_id":"c{{turn}}","name":"f","arguments":"{}"},
            {"type":"function_call_output","call_id":"c{{turn}}","output":"r{{turn}}"}
            """));
        var body = $$"""{"instructions":"S","max_output_tokens":10,"input":[{{turns}},{"role":"user","content":"last"}]""";

        using var response = await host.Http().PostAsync(
            "/v1/responses", new StringContent(body + ",\"truncation\":\"auto\"}", Encoding.UTF8, "application/json"));
        var refused = (await host.PostAsync(body + "}", HttpStatusCode.BadRequest)).GetProperty("error");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var sent = Assert.Single(host.Generator.Requests);
        Assert.InRange(sent.PromptIds.Count, 40, 70);
        var prompt = Encoding.UTF8.GetString([.. sent.PromptIds.Select(id => (byte)id)]);
        Assert.StartsWith("<system>S<user>q", prompt, StringComparison.Ordinal);
        Assert.EndsWith("<tool>r4<user>last", prompt, StringComparison.Ordinal);
        Assert.DoesNotContain("q0", prompt, StringComparison.Ordinal);
        Assert.True(int.Parse(response.Headers.GetValues("X-Parley-Dropped-Messages").Single()) % 3 == 0);
        Assert.Equal(("input", "context_length_exceeded"), (refused.GetProperty("param").GetString(),
            refused.GetProperty("code").GetString()));
        Assert.Matches(
            "input must fit the context: \\d+ tokens, and the context of fake holds 80", refused.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Post_ServiceTierAndKeys_AreHonoured()
    {
        await using var host = await GatewayHost.StartAsync();

        var flex = await host.PostAsync("""{"input":"Hi","service_tier":"flex"}""");
        await host.PostAsync("""{"input":"Hi","service_tier":"priority"}""");
        await host.PostAsync("""{"input":"Hi","service_tier":"auto","top_k":5,"seed":1}""");

        Assert.Equal([-10, 10, 0], host.Generator.Requests.Select(request => request.Sampling.Priority));
        Assert.Equal("flex", flex.GetProperty("service_tier").GetString());
        Assert.Equal(5u, host.Generator.Requests.Last().Sampling.TopK);
    }

    [Theory]
    [InlineData("{}", "input", "missing_required_parameter")]
    [InlineData("""{"input":5}""", "input", "invalid_type")]
    [InlineData("""{"input":[]}""", "input", "array_below_min_length")]
    [InlineData("""{"input":[{"type":"computer_call"}]}""", "input[0].type", "unsupported_value")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}""", "input[0].content[0].type",
        "unsupported_value")]
    [InlineData("""{"input":[{"role":"user"}]}""", "input[0].content", "missing_required_parameter")]
    [InlineData("""{"input":[{"role":"narrator","content":"a"}]}""", "input[0].role", "invalid_value")]
    [InlineData("""{"input":[{"type":"function_call_output","call_id":"c","output":"x"}]}""", "input", "invalid_value")]
    [InlineData("""{"input":[{"type":"item_reference","id":"msg_1"}]}""", "input[0].id", "invalid_value")]
    [InlineData("""{"input":"a","tools":[{"type":"web_search"}]}""", "tools[0].type", "unsupported_value")]
    [InlineData("""{"input":"a","tools":[{"type":"function"}]}""", "tools[0].function.name", "missing_required_parameter")]
    [InlineData("""{"input":"a","text":{"format":{"type":"json_schema","name":"x"}}}""", "text.format.schema",
        "missing_required_parameter")]
    [InlineData("""{"input":"a","text":{"verbosity":"high"}}""", "text.verbosity", "unsupported_value")]
    [InlineData("""{"input":"a","truncation":"sometimes"}""", "truncation", "invalid_value")]
    [InlineData("""{"input":"a","include":["secrets"]}""", "include[0]", "invalid_value")]
    [InlineData("""{"input":"a","background":true}""", "background", "unsupported_value")]
    [InlineData("""{"input":"a","conversation":"conv_1"}""", "conversation", "unsupported_value")]
    [InlineData("""{"input":"a","n":2}""", "n", "unsupported_value")]
    [InlineData("""{"input":"a","max_output_tokens":0}""", "max_output_tokens", "integer_below_min_value")]
    [InlineData("""{"input":"a","max_tokens":0}""", "max_tokens", "integer_below_min_value")]
    [InlineData("""{"input":"a","max_output_tokens":0,"n":2}""", "n", "unsupported_value")]
    [InlineData("""{"input":"a","top_logprobs":21}""", "top_logprobs", "integer_above_max_value")]
    [InlineData("""{"input":"a","reasoning":{"effort":"huge"}}""", "reasoning.effort", "invalid_value")]
    public async Task Post_WhatCannotBeDone_IsRefusedByName(string body, string param, string code)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = (await host.PostAsync(body, HttpStatusCode.BadRequest)).GetProperty("error");

        Assert.Equal((param, code), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.Empty(host.Generator.Requests);
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("\"background\":false,\"conversation\":null,\"include\":[],\"max_tool_calls\":3,\"metadata\":{}")]
    [InlineData("\"previous_response_id\":null")]
    [InlineData("\"tools\":[],\"tool_choice\":\"auto\",\"parallel_tool_calls\":true,\"truncation\":\"disabled\",\"top_logprobs\":0")]
    [InlineData("\"text\":{},\"reasoning\":{\"summary\":\"auto\"},\"prompt_cache_key\":\"k\",\"safety_identifier\":\"s\",\"user\":\"u\"")]
    [InlineData("\"text\":{\"format\":{\"type\":\"text\"}},\"reasoning\":null,\"service_tier\":\"auto\",\"stream_options\":null")]
    [InlineData("\"prompt\":null")]
    [InlineData("\"include\":[\"reasoning.encrypted_content\"],\"instructions\":null,\"store\":true,\"stream\":false")]
    public async Task Post_ValueThatAsksForNothing_IsTheSameAsWithout(string fields)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await host.Http().PostAsync("/v1/responses", new StringContent(
            $$"""{"input":"Hi",{{fields}}}""", Encoding.UTF8, "application/json"));
        await ReadAsync(response, HttpStatusCode.OK);
        await host.PostAsync("""{"input":"Hi"}""");

        Assert.False(response.Headers.Contains("X-Parley-Ignored-Fields"));
        var sent = host.Generator.Requests.ToList();
        sent[0].Sampling.ClearTopLogprobs();
        Assert.Equal((sent[1].Sampling, sent[1].PromptIds), (sent[0].Sampling, sent[0].PromptIds));
    }

    [Fact]
    public async Task Count_APrompt_TellsItsTokens()
    {
        await using var host = await GatewayHost.StartAsync();

        var counted = await host.PostAsync("""{"input":"Hi"}""", path: "/v1/responses/input_tokens");

        Assert.Equal("<user>Hi".Length, counted.GetProperty("input_tokens").GetInt32());
        Assert.Empty(host.Generator.Requests);
    }
}
