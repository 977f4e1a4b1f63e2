using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Connectors.OpenAI;
using Parley.Gateway.Tests.Doubles;

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
        host.Logs.AssertNoErrors();
    }

    [Fact]
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
}
