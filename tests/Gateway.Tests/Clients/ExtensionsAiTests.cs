using System.ClientModel;
using System.ComponentModel;
using Microsoft.Extensions.AI;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>
/// Microsoft.Extensions.AI over OpenAI's client, by Chat Completions and by Responses. Its streams of responses are not tried: 10.11.0 is
/// built for OpenAI 2.14, and 2.15 gives CreateResponseStreamingAsync another type, so that the call ends in a MissingMethodException.
/// </summary>
public sealed class ExtensionsAiTests
{
    private static IChatClient Client(GatewayHost host, bool responses) => responses
        ? host.OpenAi().GetResponsesClient().AsIChatClient("fake")
        : host.OpenAi().GetChatClient("fake").AsIChatClient();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [ClientTest("Microsoft.Extensions.AI over OpenAI", "answer", "stream", "usage")]
    public async Task Answer_WholeAndStreamed_IsTheSame(bool responses)
    {
        await using var host = await GatewayHost.StartAsync();
        using var client = Client(host, responses);
        ChatMessage[] messages = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hi")];

        var whole = await client.GetResponseAsync(messages, new ChatOptions { Temperature = 0.5f, MaxOutputTokens = 20 });
        var streamed = responses ? whole : await client.GetStreamingResponseAsync(messages).ToChatResponseAsync();

        Assert.Equal(("Hello, world!", "Hello, world!"), (whole.Text, streamed.Text));
        Assert.Equal((13, 13), (whole.Usage!.OutputTokenCount, streamed.Usage!.OutputTokenCount));
        Assert.Equal("system", host.Tokenizer.Chats.First().Messages[0].Role);
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [ClientTest("Microsoft.Extensions.AI over OpenAI", "tools")]
    public async Task Tools_InvokedByTheClient_ComeToAnAnswer(bool responses, bool streaming)
    {
        await using var host = await GatewayHost.StartAsync(arrange: OpenAiClients.CallTwoTools);
        using var client = Client(host, responses).AsBuilder().UseFunctionInvocation().Build();
        var cities = new List<string>();
        var options = new ChatOptions
        {
            Tools =
            [
                AIFunctionFactory.Create(([Description("Where")] string city) =>
                {
                    cities.Add(city);
                    return "rain";
                }, "get_weather", "Looks."),
                AIFunctionFactory.Create((int a, int b) => a + b, "add", "Adds."),
            ],
        };

        var text = streaming ? (await client.GetStreamingResponseAsync("Rain?", options).ToChatResponseAsync()).Text
            : (await client.GetResponseAsync("Rain?", options)).Text;

        Assert.Equal(("It rains, and 5.", "Köln"), (text, Assert.Single(cities)));
        Assert.Equal(3, host.Generator.Requests.Count);
        var results = host.Tokenizer.Chats.Last().Messages.Where(message => message.Role == "tool").ToList();
        Assert.Equal(["rain", "5"], results.Select(message => message.Content.Trim('"')));
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [ClientTest("Microsoft.Extensions.AI over OpenAI", "schema")]
    public async Task StructuredAnswer_OfAType_IsGuidedByItsSchema(bool responses)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
            one.Generator.Script = _ => FakeGenerator.Letters("""{"name":"Köln","rain":true}"""));
        using var client = Client(host, responses);

        var answer = await client.GetResponseAsync<City>("Rain?");

        Assert.Equal(("Köln", true), (answer.Result.Name, answer.Result.Rain));
        Assert.Contains("\"rain\"", Assert.Single(host.Generator.Requests).Sampling.Guide.JsonSchema, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Thoughts_OfAModelThatThinks_AreNoPartOfTheText(bool responses)
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.ChatTemplate = ResponsesApi.ResponsesHost.Hermes;
            one.Generator.Script = _ => FakeGenerator.Letters("<think>\nRain?\n</think>\n\nYes.<|im_end|>");
        });
        using var client = Client(host, responses);

        var answer = await client.GetResponseAsync("Rain?");

        Assert.Equal("Yes.", answer.Text);
        // The client knows no field of a chat for thoughts, and of a response it reads summaries only.
        Assert.True(answer.Usage!.ReasoningTokenCount > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [ClientTest("Microsoft.Extensions.AI over OpenAI", "errors")]
    public async Task Faults_OfARequest_AreTheClientsException(bool responses)
    {
        await using var host = await GatewayHost.StartAsync();
        using var client = Client(host, responses);

        var fault = await Assert.ThrowsAsync<ClientResultException>(() => client.GetResponseAsync("Hi", new ChatOptions { TopP = 7 }));

        Assert.Equal(400, fault.Status);
        Assert.Contains("top_p must be between 0 and 1", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [ClientTest("Microsoft.Extensions.AI over OpenAI", "cancel")]
    public async Task Cancel_OfAnAnswer_FreesTheSequence(bool responses)
    {
        using var leaving = new CancellationTokenSource();
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.BeforeBatch = (batch, token) =>
        {
            if (batch == 1)
                leaving.Cancel();
            return batch == 1 ? Task.Delay(Timeout.Infinite, token) : Task.CompletedTask;
        });
        using var client = Client(host, responses);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetResponseAsync("Hi", cancellationToken: leaving.Token));

        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }


    private sealed record City(string Name, bool Rain);
}
