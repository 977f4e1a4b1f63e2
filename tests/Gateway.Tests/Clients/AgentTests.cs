using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Clients;

/// <summary>An agent of Microsoft's framework with two tools.</summary>
public sealed class AgentTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Agent_WithTwoTools_CallsBothAndAnswers(bool responses)
    {
        await using var host = await GatewayHost.StartAsync(arrange: OpenAiClients.CallTwoTools);
        var client = responses
            ? host.OpenAi().GetResponsesClient().AsIChatClient("fake") : host.OpenAi().GetChatClient("fake").AsIChatClient();
        var agent = new ChatClientAgent(client, "Be brief.", "forecaster", "Tells the weather.",
            [
                AIFunctionFactory.Create((string city) => $"rain in {city}", "get_weather"),
                AIFunctionFactory.Create((int a, int b) => a + b, "add"),
            ]);

        var answer = await agent.RunAsync("Rain?");

        Assert.Equal("It rains, and 5.", answer.Text);
        var sent = host.Tokenizer.Chats.Last();
        Assert.Equal(2, sent.ToolsJson.Count);
        Assert.Contains(sent.Messages, message =>
            message.Role == "tool" && message.Content.Contains("rain in Köln", StringComparison.Ordinal));
        Assert.Equal(3, host.Generator.Requests.Count);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Agent_Streaming_AnswersInUpdates()
    {
        await using var host = await GatewayHost.StartAsync(arrange: OpenAiClients.CallTwoTools);
        var agent = new ChatClientAgent(host.OpenAi().GetChatClient("fake").AsIChatClient(), tools:
            [AIFunctionFactory.Create((string city) => "rain", "get_weather"), AIFunctionFactory.Create((int a, int b) => a + b, "add")]);
        var text = "";

        await foreach (var update in agent.RunStreamingAsync("Rain?"))
            text += update.Text;

        Assert.Equal("It rains, and 5.", text);
    }
}
