using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Connectors.OpenAI;
using OpenAI.Chat;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>Semantic Kernel's connector for OpenAI.</summary>
public sealed class SemanticKernelTests
{
    private static Kernel Make(GatewayHost host)
    {
        var builder = Kernel.CreateBuilder();
        builder.AddOpenAIChatCompletion("fake", host.OpenAi());
        return builder.Build();
    }

    [Fact]
    [ClientTest("Semantic Kernel", "answer", "stream", "usage")]
    public async Task Chat_WholeAndStreamed_IsTheSame()
    {
        await using var host = await GatewayHost.StartAsync();
        var chat = Make(host).GetRequiredService<IChatCompletionService>();
        var history = new ChatHistory("Be brief.");
        history.AddUserMessage("Hi");

        var whole = await chat.GetChatMessageContentAsync(history);
        var streamed = "";
        await foreach (var part in chat.GetStreamingChatMessageContentsAsync(history))
            streamed += part.Content;

        Assert.Equal(("Hello, world!", "Hello, world!"), (whole.Content, streamed));
        Assert.Equal(13, Assert.IsType<ChatTokenUsage>(whole.Metadata!["Usage"]).OutputTokenCount);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("Semantic Kernel", "tools")]
    public async Task Functions_ChosenByTheModel_AreInvoked()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.ChatTemplate = "<tool_call>";
            // Semantic Kernel names a function by its plug-in and its own name.
            one.Generator.Script = _ => FakeGenerator.Letters(one.Tokenizer.Chats.Last().Messages.Any(message => message.Role == "tool")
                ? "It rains.<|im_end|>"
                : "<tool_call>\n{\"name\": \"weather-look\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call><|im_end|>");
        });
        var kernel = Make(host);
        kernel.Plugins.AddFromFunctions("weather", [KernelFunctionFactory.CreateFromMethod((string city) => $"rain in {city}", "look")]);
        var settings = new OpenAIPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };

        var answer = await kernel.InvokePromptAsync("Rain?", new KernelArguments(settings));

        Assert.Equal("It rains.", answer.ToString());
        Assert.Equal("rain in Köln", host.Tokenizer.Chats.Last().Messages.Single(message => message.Role == "tool").Content);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("Semantic Kernel", "schema")]
    public async Task Answer_OfAType_IsGuidedByItsSchema()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        var settings = new OpenAIPromptExecutionSettings { ResponseFormat = typeof(Place) };

        var answer = await Make(host).InvokePromptAsync("json", new KernelArguments(settings));

        Assert.Equal("{\"city\":\"Köln\"}", answer.ToString());
        Assert.Contains("city", Assert.Single(host.Generator.Requests).Sampling.Guide.StructuralTag, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    [ClientTest("Semantic Kernel", "cancel", "errors")]
    public async Task Faults_AndLeaving_AreItsOwn()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        var chat = Make(host).GetRequiredService<IChatCompletionService>();
        using var leaving = new CancellationTokenSource();

        var fault = await Assert.ThrowsAsync<HttpOperationException>(
            () => chat.GetChatMessageContentAsync("Hi", new OpenAIPromptExecutionSettings { Temperature = -1 }));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var part in chat.GetStreamingChatMessageContentsAsync("wait", cancellationToken: leaving.Token))
            {
                if (part.Content is { Length: > 0 })
                    await leaving.CancelAsync();
            }
        });

        Assert.Equal(System.Net.HttpStatusCode.BadRequest, fault.StatusCode);
        Assert.Contains("temperature must be between 0 and 100", fault.Message, StringComparison.Ordinal);
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }

    [Fact]
    [ClientTest("Semantic Kernel", "logprobs")]
    public async Task Logprobs_AskedFor_AreInTheMetadata()
    {
        await using var host = await GatewayHost.StartAsync();
        var chat = Make(host).GetRequiredService<IChatCompletionService>();

        var answer = await chat.GetChatMessageContentAsync("Hi", new OpenAIPromptExecutionSettings { Logprobs = true, TopLogprobs = 2 });

        var logprobs = Assert.IsAssignableFrom<IReadOnlyList<ChatTokenLogProbabilityDetails>>(
            answer.Metadata!["ContentTokenLogProbabilities"]);
        Assert.Equal((13, 2), (logprobs.Count, logprobs[0].TopLogProbabilities.Count));
    }

    private sealed record Place(string City);
}
