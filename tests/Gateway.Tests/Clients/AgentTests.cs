using System.ClientModel;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>An agent of Microsoft's framework with two tools.</summary>
public sealed class AgentTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [ClientTest("Microsoft Agent Framework", "answer", "tools")]
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
    [ClientTest("Microsoft Agent Framework", "stream")]
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

    [Fact]
    [ClientTest("Microsoft Agent Framework", "schema", "usage")]
    public async Task Agent_AskedForAType_IsGuidedByItsSchema()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        var agent = new ChatClientAgent(host.OpenAi().GetChatClient("fake").AsIChatClient());

        var answer = await agent.RunAsync<Place>("json");

        Assert.Equal("Köln", answer.Result.City);
        Assert.True(answer.Usage!.OutputTokenCount > 0);
        Assert.Contains("city", Assert.Single(host.Generator.Requests).Sampling.Guide.StructuralTag, StringComparison.Ordinal);
    }

    [Fact]
    [ClientTest("Microsoft Agent Framework", "cancel", "errors")]
    public async Task Faults_AndLeaving_AreTheClientsOwn()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        var agent = new ChatClientAgent(host.OpenAi().GetChatClient("fake").AsIChatClient());
        using var leaving = new CancellationTokenSource();

        var fault = await Assert.ThrowsAsync<ClientResultException>(
            () => agent.RunAsync("Hi", options: new ChatClientAgentRunOptions(new ChatOptions { Temperature = -1 })));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in agent.RunStreamingAsync("wait", cancellationToken: leaving.Token))
            {
                if (update.Text.Length > 0)
                    await leaving.CancelAsync();
            }
        });

        Assert.Equal(400, fault.Status);
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }

    private sealed record Place(string City);
}
