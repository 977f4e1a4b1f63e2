using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;
using static Parley.Gateway.Tests.ResponsesApi.ResponsesHost;

namespace Parley.Gateway.Tests.ResponsesApi;

/// <summary>The field <c>reasoning</c> of a response: summaries of thoughts, and how many tokens they may have.</summary>
public sealed class ReasoningTests
{
    private static Task<GatewayHost> StartAsync() => GatewayHost.StartAsync(arrange: one =>
    {
        one.Tokenizer.ChatTemplate = Hermes;
        one.Generator.Script = _ => FakeGenerator.Letters("<think>\nRain?\n</think>\n\nYes.<|im_end|>");
    });

    [Theory]
    [InlineData("auto")]
    [InlineData("detailed")]
    public async Task Summary_AskedFor_IsTheThoughtsThemselves(string summary)
    {
        await using var host = await StartAsync();

        var response = await host.PostAsync($$$"""{"input":"Rain?","reasoning":{"summary":"{{{summary}}}"}}""");

        Assert.Equal(summary, response.GetProperty("reasoning").GetProperty("summary").GetString());
        var thought = response.GetProperty("output")[0];
        Assert.Equal("[{\"type\":\"summary_text\",\"text\":\"Rain?\"}]", thought.GetProperty("summary").GetRawText());
        Assert.Equal("Rain?", thought.GetProperty("content")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Summary_Streamed_HasItsOwnEvents()
    {
        await using var host = await StartAsync();

        var events = await host.StreamAsync("""{"input":"Rain?","reasoning":{"summary":"detailed"},"stream":true}""");

        var summary = events.Where(one => TypeOf(one).StartsWith("response.reasoning_summary", StringComparison.Ordinal)).ToList();
        Assert.Equal("response.reasoning_summary_part.added", TypeOf(summary[0]));
        Assert.Equal(["response.reasoning_summary_text.done", "response.reasoning_summary_part.done"], summary[^2..].Select(TypeOf));
        Assert.All(summary[1..^2], one => Assert.Equal("response.reasoning_summary_text.delta", TypeOf(one)));
        Assert.Equal("Rain?", string.Concat(summary[1..^2].Select(one => one.GetProperty("delta").GetString())));
        Assert.Equal(("Rain?", "Rain?"),
            (summary[^2].GetProperty("text").GetString(), summary[^1].GetProperty("part").GetProperty("text").GetString()));
        var item = events.First(one => TypeOf(one) == "response.output_item.added").GetProperty("item");
        Assert.All(summary, one => Assert.Equal((item.Id(), 0, 0), (one.GetProperty("item_id").GetString(),
            one.GetProperty("output_index").GetInt32(), one.GetProperty("summary_index").GetInt32())));
        var done = events.FindIndex(one => TypeOf(one) == "response.output_item.done");
        Assert.True(done > events.IndexOf(summary[^1]));
        var whole = events[^1].GetProperty("response").GetProperty("output")[0];
        Assert.Equal(whole.GetRawText(), events[done].GetProperty("item").GetRawText());
    }

    [Fact]
    public async Task Summary_ThatIsShorter_IsToldThatNobodyWritesIt()
    {
        await using var host = await StartAsync();

        using var http = await host.Http().PostAsync("/v1/responses", new StringContent(
            """{"input":"Rain?","reasoning":{"summary":"concise"}}""", Encoding.UTF8, "application/json"));
        var response = await ReadAsync(http, HttpStatusCode.OK);

        Assert.Equal(0, response.GetProperty("output")[0].GetProperty("summary").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, response.GetProperty("reasoning").GetProperty("summary").ValueKind);
        Assert.Equal("reasoning.summary", Assert.Single(http.Headers.GetValues("X-Parley-Ignored-Fields")));
    }

    [Fact]
    public async Task Thoughts_SentBackWithTheirSummary_AreReadOnce()
    {
        await using var host = await StartAsync();
        var first = await host.PostAsync("""{"input":"Rain?","reasoning":{"summary":"detailed"}}""");

        await host.PostAsync($$"""{"input":"And?","previous_response_id":"{{first.Id()}}"}""");

        Assert.Equal("Rain?", host.Tokenizer.Chats.Last().Messages.Single(message => message.Role == "assistant").ReasoningContent);
    }

    [Theory]
    [InlineData("\"reasoning\":{\"max_tokens\":7}")]
    [InlineData("\"reasoning\":{\"effort\":\"low\",\"max_tokens\":7},\"thinking_budget\":7")]
    [InlineData("\"thinking_token_budget\":7")]
    [InlineData("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":7}")]
    public async Task Budget_OfThoughts_ReachesTheGeneratorAsIds(string fields)
    {
        await using var host = await StartAsync();

        await host.PostAsync($$"""{"input":"Rain?",{{fields}}}""");

        var budget = Assert.Single(host.Generator.Requests).Sampling.ReasoningBudget;
        Assert.Equal(7u, budget.TokensMax);
        Assert.Equal(FakeTokenizer.Ids("</think>"), Assert.Single(budget.Closings).Ids);
    }

    [Theory]
    [InlineData("\"reasoning\":{\"max_tokens\":7}", "reasoning.max_tokens")]
    [InlineData("\"thinking_budget\":7", "thinking_budget")]
    [InlineData("\"reasoning\":{\"exclude\":true}", "reasoning.exclude")]
    public async Task Budget_OfAModelThatMayNotReason_IsRefusedByName(string fields, string param)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = (await host.PostAsync($$"""{"input":"Rain?",{{fields}}}""", HttpStatusCode.BadRequest)).GetProperty("error");

        Assert.Equal((param, "unsupported_value"), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
    }
}
