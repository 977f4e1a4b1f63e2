using System.Text.Json;
using Parley.Gateway.Tests.Doubles;
using Parley.Generator.V1;
using static Parley.Gateway.Tests.Anthropic.AnthropicCalls;

namespace Parley.Gateway.Tests.Anthropic;

/// <summary>Messages over HTTP: what the model is asked, and how its answer is told, whole and as events.</summary>
public sealed class MessagesEndpointTests
{
    private const string Hermes = "<|im_start|>assistant <think> <tool_call>";

    private const string Tools =
        "\"tools\":[{\"name\":\"get_weather\",\"description\":\"Looks.\",\"input_schema\":{\"type\":\"object\",\"properties\":"
        + "{\"city\":{\"type\":\"string\"}}}}]";

    private const string Call = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>";
    private const string Thinks = "\"thinking\":{\"type\":\"enabled\"}";

    private static Task<GatewayHost> StartAsync(string answer) => GatewayHost.StartAsync(arrange: host =>
    {
        host.Tokenizer.ChatTemplate = Hermes;
        host.Generator.Script = _ => FakeGenerator.Letters(answer);
    });

    [Fact]
    public async Task Post_PlainMessage_IsOneTextBlockWithUsage()
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, response) = await PostAsync(host, Minimal + ",\"system\":\"Be brief.\"");

        Assert.Equal(200, status);
        Assert.Equal("message assistant fake end_turn", string.Join(
            ' ', new[] { "type", "role", "model", "stop_reason" }.Select(key => body.GetProperty(key).GetString())));
        Assert.Equal(JsonValueKind.Null, body.GetProperty("stop_sequence").ValueKind);
        var block = Assert.Single(body.GetProperty("content").EnumerateArray());
        Assert.Equal(("text", "Hello, world!"), (block.GetProperty("type").GetString(), block.GetProperty("text").GetString()));
        var usage = body.GetProperty("usage");
        var prompt = "<system>Be brief.<user>Hi".Length;
        Assert.Equal((prompt - 3, 3, 13), (usage.GetProperty("input_tokens").GetInt32(),
            usage.GetProperty("cache_read_input_tokens").GetInt32(), usage.GetProperty("output_tokens").GetInt32()));
        var id = response.Headers.GetValues("request-id").Single();
        Assert.Equal($"msg_{id}", body.GetProperty("id").GetString());
        Assert.Equal(id, response.Headers.GetValues("x-request-id").Single());
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_Streamed_TellsItsEventsInOrder()
    {
        await using var host = await StartAsync($"<think>\nRain?\n</think>\n\nI look.\n{Call}<|im_end|>");

        var events = await StreamAsync(host, $"{Minimal},{Tools},{Thinks}");

        var order = events.Select(one => one.Name).Aggregate(new List<string>(), (kept, name) =>
        {
            if (kept.Count == 0 || kept[^1] != name)
                kept.Add(name);
            return kept;
        });
        string[] block = ["content_block_start", "content_block_delta", "content_block_stop"];
        Assert.Equal(["message_start", .. block, .. block, .. block, "message_delta", "message_stop"], order);
        Assert.Equal("Rain?", Joined(events, "thinking_delta", "thinking"));
        Assert.Equal("I look.", Joined(events, "text_delta", "text"));
        Assert.Equal("{\"city\": \"Köln\"}", Joined(events, "input_json_delta", "partial_json"));
        Assert.Equal(32, Joined(events, "signature_delta", "signature").Length);
        var starts = events.Where(one => one.Name == "content_block_start").Select(one => one.Data).ToArray();
        Assert.Equal([0, 1, 2], starts.Select(start => start.GetProperty("index").GetInt32()));
        Assert.Equal(["thinking", "text", "tool_use"],
            starts.Select(start => start.GetProperty("content_block").GetProperty("type").GetString()));
        Assert.Equal("get_weather", starts[2].GetProperty("content_block").GetProperty("name").GetString());
        var message = events[0].Data.GetProperty("message");
        Assert.Equal(0, message.GetProperty("content").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, message.GetProperty("stop_reason").ValueKind);
        var end = events[^2].Data;
        Assert.Equal("tool_use", end.GetProperty("delta").GetProperty("stop_reason").GetString());
        Assert.Equal(3, end.GetProperty("usage").GetProperty("cache_read_input_tokens").GetInt32());
        Assert.True(end.GetProperty("usage").GetProperty("output_tokens_details").GetProperty("thinking_tokens").GetInt32() > 0);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Post_AnAnswerThatThinksAndCalls_HasThreeBlocks()
    {
        await using var host = await StartAsync($"<think>\nRain?\n</think>\n\nI look.\n{Call}<|im_end|>");

        var (_, body, _) = await PostAsync(host, $"{Minimal},{Tools},{Thinks}");

        var blocks = body.GetProperty("content").EnumerateArray().ToArray();
        Assert.Equal(["thinking", "text", "tool_use"], blocks.Select(block => block.GetProperty("type").GetString()));
        Assert.Equal("Rain?", blocks[0].GetProperty("thinking").GetString());
        Assert.Equal("Köln", blocks[2].GetProperty("input").GetProperty("city").GetString());
        Assert.Equal("tool_use", body.GetProperty("stop_reason").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"thinking\":{\"type\":\"disabled\"}")]
    [InlineData(",\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}")]
    public async Task Post_ThinkingThatNobodyAskedFor_IsNotTold(string thinking)
    {
        await using var host = await StartAsync("<think>\nRain?\n</think>\n\nNo.<|im_end|>");

        var (_, body, _) = await PostAsync(host, Minimal + thinking);
        var events = await StreamAsync(host, Minimal + thinking);

        Assert.Equal("No.", Assert.Single(body.GetProperty("content").EnumerateArray()).GetProperty("text").GetString());
        Assert.Single(events, one => one.Name == "content_block_start");
        Assert.Equal("No.", Joined(events, "text_delta", "text"));
        var arguments = host.Tokenizer.Chats.First().TemplateArgumentsJson;
        Assert.Contains(thinking.Contains("adaptive", StringComparison.Ordinal) ? "" : "\"enable_thinking\":false", arguments,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_ACallThatIsNone_IsTextAndNoBlockOfItsOwn()
    {
        const string Broken = "See: <tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"K";
        await using var host = await StartAsync(Broken);

        var events = await StreamAsync(host, $"{Minimal},{Tools}");
        var (_, body, _) = await PostAsync(host, $"{Minimal},{Tools}");

        Assert.Equal(Broken, Joined(events, "text_delta", "text"));
        Assert.Equal("", Joined(events, "input_json_delta", "partial_json"));
        Assert.Equal("end_turn", events[^2].Data.GetProperty("delta").GetProperty("stop_reason").GetString());
        Assert.Equal(Broken, Assert.Single(body.GetProperty("content").EnumerateArray()).GetProperty("text").GetString());
    }

    [Fact]
    public async Task Post_EagerTool_TellsArgumentsWhileTheyAreWritten()
    {
        await using var host = await StartAsync($"{Call}<|im_end|>");
        const string Name = "\"name\":\"get_weather\"";
        var eager = Tools.Replace(Name, "\"eager_input_streaming\":true," + Name, StringComparison.Ordinal);

        var held = await StreamAsync(host, $"{Minimal},{Tools}");
        var told = await StreamAsync(host, $"{Minimal},{eager}");

        Assert.Single(held, one => one.Name == "content_block_delta");
        Assert.True(told.Count(one => one.Name == "content_block_delta") > 3, "arguments come while they are written");
        Assert.Equal(Joined(held, "input_json_delta", "partial_json"), Joined(told, "input_json_delta", "partial_json"));
    }

    [Theory]
    [InlineData("\"stop_sequences\":[\"wor\"]", "stop_sequence", "wor", "Hello, ")]
    [InlineData("\"stop_sequences\":[]", "end_turn", null, "Hello, world!")]
    public async Task Post_StopSequence_IsTold(string fields, string reason, string? sequence, string text)
    {
        await using var host = await GatewayHost.StartAsync();

        var (_, body, _) = await PostAsync(host, $"{Minimal},{fields}");

        Assert.Equal((reason, sequence), (body.GetProperty("stop_reason").GetString(), body.GetProperty("stop_sequence").GetString()));
        Assert.Equal(text, body.GetProperty("content")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Post_StopStringOfTheModel_IsAnEndOfTheTurn()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.StopStrings = ["wor"]);

        var (_, body, _) = await PostAsync(host, Minimal);

        Assert.Equal("end_turn", body.GetProperty("stop_reason").GetString());
        Assert.Equal(JsonValueKind.Null, body.GetProperty("stop_sequence").ValueKind);
    }

    [Fact]
    public async Task Post_LimitReached_IsMaxTokens()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Reason = FinishReason.MaxTokens);

        var (_, body, _) = await PostAsync(host, Minimal);

        Assert.Equal("max_tokens", body.GetProperty("stop_reason").GetString());
    }

    [Fact]
    public async Task Post_HistoryWithToolsAndThoughts_ReachesTheTemplateInOrder()
    {
        await using var host = await GatewayHost.StartAsync();
        const string Messages = """
            "max_tokens":9,"messages":[
              {"role":"user","content":[{"type":"text","text":"Rain?","cache_control":{"type":"ephemeral"}}]},
              {"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"x"},{"type":"redacted_thinking","data":"y"},
                {"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city":"Köln"}}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"12 °C"}]},
                {"type":"text","text":"And?"}]}]
            """;

        var (status, _, _) = await PostAsync(host, $"{Messages},{Tools}");

        Assert.Equal(200, status);
        var sent = Assert.Single(host.Tokenizer.Chats).Messages;
        Assert.Equal(["user", "assistant", "tool", "user"], sent.Select(message => message.Role));
        Assert.Equal(("I look.", "Hm."), (sent[1].Content, sent[1].ReasoningContent));
        Assert.Equal(("toolu_1", "get_weather", "{\"city\":\"Köln\"}"),
            (sent[1].ToolCalls[0].Id, sent[1].ToolCalls[0].Name, sent[1].ToolCalls[0].ArgumentsJson));
        Assert.Equal(("toolu_1", "get_weather", "12 °C"), (sent[2].ToolCallId, sent[2].Name, sent[2].Content));
        Assert.Equal("And?", sent[3].Content);
    }

    [Fact]
    public async Task Post_NeighboursOfOneRole_AreOneTurn()
    {
        await using var host = await GatewayHost.StartAsync();

        await PostAsync(host, "\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":"
            + "[{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"document\",\"source\":{\"type\":\"text\",\"data\":\"c\"}}]}]");

        var sent = Assert.Single(Assert.Single(host.Tokenizer.Chats).Messages);
        Assert.Equal(["a", "b", "c"], sent.Parts.Select(part => part.Text));
    }

    [Fact]
    public async Task Post_LastTurnOfTheAssistant_IsContinued()
    {
        await using var host = await GatewayHost.StartAsync();

        await PostAsync(host, "\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
            + "[{\"type\":\"text\",\"text\":\"{\"},{\"type\":\"text\",\"text\":\"\\\"b\\\":\"}]}]");

        var chat = Assert.Single(host.Tokenizer.Chats);
        Assert.True(chat.ContinueFinalMessage);
        Assert.Equal("{\"b\":", chat.Messages[1].Content);
    }

    [Fact]
    public async Task CountTokens_AMessage_IsThePromptsLengthAndGeneratesNothing()
    {
        await using var host = await GatewayHost.StartAsync();
        const string Messages = "\"model\":\"fake\",\"system\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

        var (status, body, _) = await PostAsync(host, Messages, "/v1/messages/count_tokens");
        var (unknown, _, _) = await PostAsync(
            host, Messages.Replace("fake", "other", StringComparison.Ordinal), "/v1/messages/count_tokens");

        Assert.Equal((200, "<system>s<user>Hi".Length, 404), (status, body.GetProperty("input_tokens").GetInt32(), unknown));
        Assert.Empty(host.Generator.Requests);
    }
}
