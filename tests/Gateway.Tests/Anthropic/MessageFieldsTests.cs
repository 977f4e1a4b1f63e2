using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;
using static Parley.Gateway.Tests.Anthropic.AnthropicCalls;

namespace Parley.Gateway.Tests.Anthropic;

/// <summary>What becomes of each field of a message, as docs/anthropic-api.md says.</summary>
public sealed class MessageFieldsTests
{
    private const string Header = "X-Parley-Ignored-Fields";

    public static TheoryData<string, string> Silent => [.. MessageFieldCases.Silent];

    public static TheoryData<string, string, string> Honoured => [.. MessageFieldCases.Honoured];

    public static TheoryData<string, string, string> Refused => [.. MessageFieldCases.Refused];

    [Theory]
    [MemberData(nameof(Silent))]
    public async Task Post_ValueThatAsksForNothing_IsTheSameAsWithout(string field, string json)
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, with) = await PostAsync(host, $"{Minimal},{json}");
        await PostAsync(host, Minimal);

        Assert.True(status == 200, $"{field}: {body}");
        Assert.False(with.Headers.Contains(Header));
        var sent = host.Generator.Requests.Select(request => request.Sampling).ToList();
        Assert.Equal(sent[1], sent[0]);
        var chats = host.Tokenizer.Chats.ToList();
        Assert.Equal(chats[1], chats[0]);
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [MemberData(nameof(Honoured))]
    public async Task Post_ValueThatAsksForSomething_IsHeard(string field, string json, string heard)
    {
        // Calls and thinking are held to what is asked for where it is known how the model writes them.
        var template = field is "tool_choice" or "thinking.budget_tokens" ? "<|im_start|>assistant <think> <tool_call>" : "";
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.ChatTemplate = template);

        var (status, body, with) = await PostAsync(host, $"{Minimal},{json}");

        Assert.True(status == 200, $"{field}: {body}");
        Assert.False(with.Headers.Contains(Header));
        Assert.Contains(
            heard, $"{host.Generator.Requests.Single().Sampling} {host.Tokenizer.Chats.Single()} {host.Tokenizer.Starts.Single()}",
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Post_ValueThatCannotBeDone_IsRefusedByName(string field, string json, string message)
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, _) = await PostAsync(host, $"{Minimal},{json}");

        Assert.True(status == 400, field);
        Assert.StartsWith(message, body.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Post_FieldThatNobodyKnows_IsToldOrRefused()
    {
        await using var told = await GatewayHost.StartAsync();
        await using var strict = await GatewayHost.StartAsync(new() { ["UnknownFields"] = "Refuse" });

        var (status, _, response) = await PostAsync(told, Minimal + ",\"frobnicate\":1,\"logprobs\":true");
        var (refused, body, _) = await PostAsync(strict, Minimal + ",\"frobnicate\":1");

        Assert.Equal((200, 400), (status, refused));
        Assert.Equal("frobnicate, logprobs", response.Headers.GetValues(Header).Single());
        Assert.Equal("frobnicate is unknown.", body.GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task Post_BudgetForAModelThatMayNotReason_IsReadOverAndTold()
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, _, response) = await PostAsync(
            host, Minimal + ",\"frobnicate\":1,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":40}");

        var (counted, _, _) = await PostAsync(
            host, Minimal + ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":40}", "/v1/messages/count_tokens");

        Assert.Equal((200, 200), (status, counted));
        Assert.Equal("frobnicate, thinking.budget_tokens", response.Headers.GetValues(Header).Single());
    }

    [Fact]
    public void Page_ItsTable_HasEachCaseAndNoOther()
    {
        var rows = FieldTable.Read(Path.Combine(Shared.RepositoryRoot, "docs", "anthropic-api.md"));

        Assert.Equal(MessageFieldCases.Honoured.Select(one => one.Field).Distinct().Order(StringComparer.Ordinal), rows["honoured"]);
        Assert.Equal(MessageFieldCases.Silent.Select(one => one.Field).Distinct().Order(StringComparer.Ordinal), rows["silent"]);
        Assert.Equal(MessageFieldCases.Refused.Select(one => one.Field).Distinct().Order(StringComparer.Ordinal), rows["refused"]);
    }
}
