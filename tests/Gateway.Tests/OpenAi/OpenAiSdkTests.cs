using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>OpenAI's own .NET client against the Gateway.</summary>
public sealed class OpenAiSdkTests
{
    private static ChatClient Client(GatewayHost host) => new("fake", new ApiKeyCredential("none"), new OpenAIClientOptions
    {
        Endpoint = new Uri("http://gateway/v1"),
        Transport = new HttpClientPipelineTransport(new HttpClient(host.Handler())),
        RetryPolicy = new ClientRetryPolicy(0),
    });

    [Fact]
    [ClientTest("OpenAI for .NET, chat", "answer", "usage", "logprobs")]
    public async Task CompleteChat_PlainChat_ReadsTextReasonAndUsage()
    {
        await using var host = await GatewayHost.StartAsync();

        ChatCompletion answer = await Client(host).CompleteChatAsync(
            [new SystemChatMessage("Be brief."), new UserChatMessage("Hi")],
            new ChatCompletionOptions
            {
                Temperature = 0.5f,
                MaxOutputTokenCount = 20,
                StopSequences = { "END" },
                IncludeLogProbabilities = true,
                EndUserId = "u"
            });

        Assert.Equal("Hello, world!", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(13, answer.Usage.OutputTokenCount);
        Assert.Equal(13, answer.ContentTokenLogProbabilities.Count);
        Assert.Equal(20u, Assert.Single(host.Generator.Requests).Sampling.MaxTokens);
    }

    [Fact]
    [ClientTest("OpenAI for .NET, chat", "stream")]
    public async Task CompleteChatStreaming_PlainChat_StreamsTheSame()
    {
        await using var host = await GatewayHost.StartAsync();
        var text = "";
        ChatTokenUsage? usage = null;
        ChatFinishReason? reason = null;

        await foreach (var update in Client(host).CompleteChatStreamingAsync([new UserChatMessage("Hi")]))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            usage = update.Usage ?? usage;
            reason = update.FinishReason ?? reason;
        }

        Assert.Equal("Hello, world!", text);
        Assert.Equal(ChatFinishReason.Stop, reason);
        Assert.Equal(13, usage!.OutputTokenCount);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("OpenAI for .NET, chat", "tools")]
    public async Task CompleteChatStreaming_ToolsOverTwoTurns_ComeBackAsTheyWentOut()
    {
        await using var host = await GatewayHost.StartAsync(arrange: host =>
        {
            host.Tokenizer.ChatTemplate = "<tool_call>";
            host.Generator.Script = request => FakeGenerator.Letters(host.Generator.Requests.Count == 1
                ? "I look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call><|im_end|>"
                : "It rains.<|im_end|>");
        });
        var schema = BinaryData.FromString("""{"type": "object", "properties": {"city": {"type": "string"}}}""");
        var options = new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("get_weather", "Looks.", schema) } };
        List<ChatMessage> messages = [new UserChatMessage("Rain?")];
        var (id, name, arguments, reason) = ("", "", "", default(ChatFinishReason?));

        await foreach (var update in Client(host).CompleteChatStreamingAsync(messages, options))
        {
            foreach (var call in update.ToolCallUpdates)
            {
                (id, name) = (call.ToolCallId ?? id, call.FunctionName ?? name);
                arguments += call.FunctionArgumentsUpdate;
            }

            reason = update.FinishReason ?? reason;
        }

        Assert.Equal((ChatFinishReason.ToolCalls, "get_weather", "{\"city\": \"Köln\"}"), (reason, name, arguments));
        messages.Add(new AssistantChatMessage([ChatToolCall.CreateFunctionToolCall(id, name, BinaryData.FromString(arguments))]));
        messages.Add(new ToolChatMessage(
            id, ChatMessageContentPart.CreateTextPart("12 °C"), ChatMessageContentPart.CreateTextPart("rain")));
        ChatCompletion answer = await Client(host).CompleteChatAsync(messages, options);

        Assert.Equal("It rains.", answer.Content[0].Text);
        var sent = host.Tokenizer.Chats.Last().Messages;
        Assert.Equal((id, "get_weather", "{\"city\": \"Köln\"}"),
            (sent[1].ToolCalls[0].Id, sent[1].ToolCalls[0].Name, sent[1].ToolCalls[0].ArgumentsJson));
        Assert.Equal((id, "12 °C", "rain"), (sent[2].ToolCallId, sent[2].Parts[0].Text, sent[2].Parts[1].Text));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("OpenAI for .NET, chat", "errors")]
    public async Task CompleteChat_UnknownModel_ThrowsWithTheServersMessage()
    {
        await using var host = await GatewayHost.StartAsync();
        var client = new ChatClient("gpt-9", new ApiKeyCredential("none"), new OpenAIClientOptions
        {
            Endpoint = new Uri("http://gateway/v1"),
            Transport = new HttpClientPipelineTransport(new HttpClient(host.Handler())),
            RetryPolicy = new ClientRetryPolicy(0),
        });

        var fault = await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync([new UserChatMessage("Hi")]));

        Assert.Equal(404, fault.Status);
        Assert.Contains("'gpt-9' is not served here", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    [ClientTest("OpenAI for .NET, chat", "schema")]
    public async Task CompleteChat_OfASchema_IsGuided()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        var schema = BinaryData.FromString("""{"type": "object", "properties": {"city": {"type": "string"}}}""");
        var options = new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("place", schema, null, true) };

        ChatCompletion answer = await Client(host).CompleteChatAsync([new UserChatMessage("json")], options);

        Assert.Equal("{\"city\":\"Köln\"}", answer.Content[0].Text);
        // Within the guide of the whole answer, which may begin with a thought.
        Assert.Contains("\"city\"", Assert.Single(host.Generator.Requests).Sampling.Guide.StructuralTag, StringComparison.Ordinal);
    }

    [Fact]
    [ClientTest("OpenAI for .NET, chat", "cancel")]
    public async Task CompleteChatStreaming_Cancelled_FreesTheSequence()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        using var leaving = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in Client(host).CompleteChatStreamingAsync([new UserChatMessage("wait")], null, leaving.Token))
            {
                if (update.ContentUpdate.Count > 0)
                    await leaving.CancelAsync();
            }
        });

        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }
}
