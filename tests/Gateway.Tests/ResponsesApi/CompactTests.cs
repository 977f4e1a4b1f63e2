using System.ClientModel;
using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.ResponsesApi;
using Parley.Gateway.Tests.Clients;
using Parley.Gateway.Tests.Doubles;
using static Parley.Gateway.Tests.ResponsesApi.ResponsesHost;

namespace Parley.Gateway.Tests.ResponsesApi;

/// <summary><c>POST /v1/responses/compact</c>: a summary in the place of turns, and what a request that goes on makes of it.</summary>
public sealed class CompactTests
{
    private const string Path = "/v1/responses/compact";

    private const string Talk = """
        {"role":"user","content":"Rain?"},
        {"type":"function_call","call_id":"c1","name":"get_weather","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":"wet"},
        {"role":"assistant","content":"It rains."},
        {"role":"user","content":"And tomorrow?"},
        {"role":"assistant","content":"Sun."}
        """;

    private static Task<GatewayHost> StartAsync(string summary = " It rains today, and tomorrow is sun.\n") => GatewayHost.StartAsync(
        new() { ["CompactionTokensMax"] = "60" }, arrange: one =>
        {
            one.Tokenizer.ChatTemplate = Hermes;
            one.Generator.Script = _ => FakeGenerator.Letters(summary + "<|im_end|>");
        });

    [Fact]
    public async Task Compact_AConversation_IsTheUsersMessagesAndASummary()
    {
        await using var host = await StartAsync("<think>\nHm.\n</think>\n\nIt rains today, and tomorrow is sun.");

        var compacted = await host.PostAsync($$"""
            {"model":"fake","instructions":"Be brief.","tools":[{{Weather}}],"tool_choice":"required","top_logprobs":2,
             "input":[{"role":"developer","content":"No jokes."},{{Talk}}]}
            """, path: Path);

        Assert.Equal("response.compaction", compacted.GetProperty("object").GetString());
        Assert.StartsWith("resp_", compacted.Id(), StringComparison.Ordinal);
        var items = compacted.GetProperty("output").EnumerateArray().ToList();
        Assert.Equal(["developer", "user", "user"], items[..^1].Select(item => item.GetProperty("role").GetString()));
        Assert.Equal("And tomorrow?", items[2].GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal("compaction", TypeOf(items[^1]));
        Assert.Equal("It rains today, and tomorrow is sun.", CompactedText.Read(items[^1].GetProperty("encrypted_content").GetString()!));
        Assert.True(compacted.GetProperty("usage").GetProperty("output_tokens").GetInt32() > 30);
        var asked = Assert.Single(host.Tokenizer.Chats);
        Assert.Equal(["system", "system", "user", "assistant", "tool", "assistant", "user", "assistant", "user"],
            asked.Messages.Select(message => message.Role));
        Assert.StartsWith("Write a summary", asked.Messages[^1].Content, StringComparison.Ordinal);
        Assert.Empty(asked.ToolsJson);
        Assert.Contains("\"enable_thinking\":false", asked.TemplateArgumentsJson, StringComparison.Ordinal);
        var sampling = Assert.Single(host.Generator.Requests).Sampling;
        Assert.Equal((60u, null, false), (sampling.MaxTokens, sampling.Guide, sampling.Logprobs));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Compaction_SentOn_StandsForTheTurnsBetween()
    {
        await using var host = await StartAsync();
        var compacted = await host.PostAsync($$"""{"input":[{{Talk}}]}""", path: Path);

        var output = compacted.GetProperty("output").GetRawText()[1..^1];
        var response = await host.PostAsync($$"""{"input":[{{output}},{"role":"user","content":"Thanks. An umbrella?"}]}""");

        var chat = host.Tokenizer.Chats.Last();
        Assert.Equal(["user", "assistant", "user"], chat.Messages.Select(message => message.Role));
        Assert.Equal(["Rain?", "And tomorrow?"], chat.Messages[0].Parts.Select(part => part.Text));
        Assert.Equal("It rains today, and tomorrow is sun.", chat.Messages[1].Content);
        // Kept like every other item, and compacted again.
        var kept = await host.GetAsync($"/v1/responses/{response.Id()}/input_items?order=asc");
        Assert.Equal(["message", "message", "compaction", "message"], kept.GetProperty("data").EnumerateArray().Select(TypeOf));
        var again = await host.PostAsync($$"""{"previous_response_id":"{{response.Id()}}"}""", path: Path);
        Assert.Equal(["message", "message", "message", "compaction"], again.GetProperty("output").EnumerateArray().Select(TypeOf));
        Assert.Equal(["user", "assistant", "user", "assistant", "user"],
            host.Tokenizer.Chats.Last().Messages.Select(message => message.Role));
    }

    [Fact]
    public async Task Compact_AQuestionWithoutItsAnswer_IsOneTurnWithTheWish()
    {
        await using var host = await StartAsync();

        await host.PostAsync("""{"input":"Rain?"}""", path: Path);

        var message = Assert.Single(Assert.Single(host.Tokenizer.Chats).Messages);
        Assert.Equal(("user", 2, "Rain?"), (message.Role, message.Parts.Count, message.Parts[0].Text));
    }

    [Fact]
    public async Task Compact_MoreThanTheContextHolds_LetsTheOldestTurnsGo()
    {
        await using var host = await StartAsync();
        host.Generator.ContextTokensMax = 600;

        using var http = await host.Http().PostAsync(Path, new StringContent(
            $$"""{"input":[{"role":"user","content":"{{new string('a', 900)}}"},{"role":"assistant","content":"b"},{{Talk}}]}""",
            Encoding.UTF8, "application/json"));
        var compacted = await ReadAsync(http, HttpStatusCode.OK);

        Assert.Equal("2", Assert.Single(http.Headers.GetValues("X-Parley-Dropped-Messages")));
        Assert.Equal(4, compacted.GetProperty("output").GetArrayLength());
    }

    [Theory]
    [InlineData("""{"input":"a","stream":true}""", "stream")]
    [InlineData("""{"instructions":"a"}""", "input")]
    [InlineData("""{"input":[{"type":"compaction","encrypted_content":"gAAAAABother"}]}""", "input[0].encrypted_content")]
    [InlineData("""{"input":[{"type":"compaction","encrypted_content":"parley1.!"}]}""", "input[0].encrypted_content")]
    [InlineData("""{"input":[{"type":"compaction","encrypted_content":"parley1._w"}]}""", "input[0].encrypted_content")]
    [InlineData("""{"input":[{"type":"compaction"}]}""", "input[0].encrypted_content")]
    [InlineData("""{"input":[{"type":"compaction_trigger"}]}""", "input[0].type")]
    public async Task Compact_WhatCannotBeDone_IsRefusedByName(string body, string param)
    {
        await using var host = await StartAsync();

        var error = (await host.PostAsync(body, HttpStatusCode.BadRequest, Path)).GetProperty("error");

        Assert.Equal(param, error.GetProperty("param").GetString());
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Compact_AModelThatWritesNothing_SaysSo()
    {
        await using var host = await StartAsync(" ");

        var error = (await host.PostAsync($$"""{"input":[{{Talk}}]}""", HttpStatusCode.InternalServerError, Path)).GetProperty("error");

        Assert.Equal("compaction_failed", error.GetProperty("code").GetString());
        Assert.Contains("Gateway:CompactionTokensMax", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CompactResponse_OfTheDotNetClient_IsRead()
    {
        await using var host = await StartAsync();
        using var body = BinaryContent.Create(BinaryData.FromString($$"""{"model":"fake","input":[{{Talk}}]}"""));

        var result = await host.OpenAi().GetResponsesClient().CompactResponseAsync(body, "application/json");

        using var compacted = JsonDocument.Parse(result.GetRawResponse().Content);
        Assert.Equal(3, compacted.RootElement.GetProperty("output").GetArrayLength());
    }
}
