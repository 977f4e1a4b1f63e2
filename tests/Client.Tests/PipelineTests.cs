using System.ComponentModel;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Parley.Client.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Client.Tests;

/// <summary>The client inside the abstractions' own pipelines.</summary>
public sealed class PipelineTests
{
    [Fact]
    public async Task Pipeline_OfTheContainer_IsAroundTheClient()
    {
        await using var server = await ScriptedServer.StartAsync();
        var services = new ServiceCollection();
        services.AddParleyChatClient(options => (options.Address, options.CreateHandler) = ("http://scripted", server.Handler));
        services.AddChatClient(provider => provider.GetRequiredService<ParleyChatClient>())
            .ConfigureOptions(options => options.Temperature = 0).UseFunctionInvocation();
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        var tool = AIFunctionFactory.Create(([Description("A city.")] string city) => $"rain in {city}", "weather", "Tells the weather.");

        var response = await client.GetResponseAsync("hello", new ChatOptions { Tools = [tool] });

        Assert.Equal("Hello, world!", response.Text);
        Assert.NotSame(client, client.GetService<ParleyChatClient>());
        Assert.Equal("parley", client.GetService<ChatClientMetadata>()!.ProviderName);
        var request = Assert.Single(server.Gateway.Requests);
        Assert.True(request.Sampling is { HasTemperature: true, Temperature: 0 });
        var function = RequestTests.Json(Assert.Single(request.Chat.ToolsJson)).GetProperty("function");
        Assert.Equal("weather", function.GetProperty("name").GetString());
    }

    [Fact]
    public async Task Tools_WithTheModeNone_AreNotSent()
    {
        await using var server = await ScriptedServer.StartAsync();

        await server.Client().GetResponseAsync(
            "hello", new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")], ToolMode = ChatToolMode.None });

        Assert.Empty(Assert.Single(server.Gateway.Requests).Chat.ToolsJson);
    }

    [Fact]
    [ClientTest("Parley.Client for .NET", "schema")]
    public async Task Answer_OfAType_IsAskedForBySchemaAndRead()
    {
        await using var server = await ScriptedServer.StartAsync(request =>
        [
            ScriptedGateway.Accepted(request), ScriptedGateway.Delta("""{"city":"Köln","""), ScriptedGateway.Delta("\"degrees\":21}"),
            ScriptedGateway.Finished(Gateway.V1.FinishReason.Stop), ScriptedGateway.Completed,
        ]);

        var response = await server.Client().GetResponseAsync<Weather>("how is it?");

        Assert.Equal(new Weather("Köln", 21), response.Result);
        var schema = RequestTests.Json(Assert.Single(server.Gateway.Requests).Sampling.Guide.JsonSchema);
        Assert.Equal("integer", schema.GetProperty("properties").GetProperty("degrees").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Log_OfAChat_IsEmptyUntilItIsAskedFor()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var guard = new LogGuard();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(guard).SetMinimumLevel(LogLevel.Information));

        await server.Client(loggers: loggers).GetResponseAsync("a secret of mine");

        Assert.Empty(guard.Entries);
    }

    [Fact]
    public async Task Chats_ManyAtOnceOnOneClient_AreEachTheirOwn()
    {
        await using var server = await ScriptedServer.StartAsync(request =>
        [
            ScriptedGateway.Accepted(request), ScriptedGateway.Delta(request.Chat.Messages[0].Content),
            ScriptedGateway.Finished(Gateway.V1.FinishReason.Stop), ScriptedGateway.Completed,
        ]);
        var client = server.Client();
        string[] questions = [.. Enumerable.Range(0, 64).Select(number => $"question {number}")];

        var answers = await Task.WhenAll(questions.Select(question => client.GetResponseAsync(question)));

        Assert.Equal(questions, answers.Select(answer => answer.Text));
        Assert.Equal(64, answers.Select(answer => answer.ResponseId).Distinct().Count());
    }

    internal sealed record Weather(string City, int Degrees);
}
