using System.Text.Json;
using OllamaSharp;
using OllamaSharp.Models;
using OllamaSharp.Models.Chat;
using OllamaSharp.Models.Exceptions;
using Parley.Gateway.Ollama;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>OllamaSharp, Ollama's client for .NET, against the Gateway.</summary>
public sealed class OllamaSharpTests
{
    private static readonly Tool Weather = new()
    {
        Function = new Function
        {
            Name = "get_weather",
            Description = "Looks.",
            Parameters = new Parameters { Properties = new() { ["city"] = new Property { Type = "string", Description = "Where." } } },
        },
    };

    private static Task<GatewayHost> StartAsync() => GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);

    private static OllamaApiClient Client(GatewayHost host) => new(host.Http(), "fake");

    private static ChatRequest Ask(string text) => new() { Model = "fake", Messages = [new Message(ChatRole.User, text)] };

    private static async Task<(string Text, string Thinking, List<Message.ToolCall> Calls, ChatDoneResponseStream Done)> ReadAsync(
        OllamaApiClient client, ChatRequest request)
    {
        var (text, thinking, calls, done) = ("", "", new List<Message.ToolCall>(), default(ChatDoneResponseStream));
        await foreach (var part in client.ChatAsync(request))
        {
            text += part!.Message.Content;
            thinking += part.Message.Thinking;
            calls.AddRange(part.Message.ToolCalls ?? []);
            done = part as ChatDoneResponseStream ?? done;
        }

        return (text, thinking, calls, done!);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [ClientTest("OllamaSharp", "answer", "stream", "usage")]
    public async Task Chat_PlainMessage_HasTextReasonAndFigures(bool stream)
    {
        await using var host = await StartAsync();
        var request = Ask("Hi");
        request.Stream = stream;
        request.Options = new RequestOptions { Temperature = 0.5f, NumPredict = 50, Stop = ["END"], Seed = 7, RepeatLastN = 64 };

        var (text, _, _, done) = await ReadAsync(Client(host), request);

        Assert.Equal(("Hello, world!", "stop", 13, 8), (text, done.DoneReason, done.EvalCount, done.PromptEvalCount));
        Assert.Equal(3000, done.EvalDuration);
        var sent = Assert.Single(host.Generator.Requests).Sampling;
        Assert.Equal((0.5f, 50u, 7ul), (sent.Temperature, sent.MaxTokens, sent.Seed));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("OllamaSharp", "tools", "reasoning")]
    public async Task Chat_ToolsOverTwoTurns_ComeBackAsTheyWentOut()
    {
        await using var host = await StartAsync();
        var client = Client(host);
        var request = Ask("Rain?");
        request.Tools = [Weather];
        request.Think = true;

        var (_, thinking, calls, done) = await ReadAsync(client, request);
        var call = Assert.Single(calls);
        Assert.Equal(("Hm.", "get_weather", "Köln", "stop"),
            (thinking, call.Function!.Name, call.Function.Arguments!["city"]!.ToString(), done.DoneReason));
        request.Messages =
        [
            new Message(ChatRole.User, "Rain?"), new Message { Role = ChatRole.Assistant, ToolCalls = calls },
            new Message { Role = ChatRole.Tool, ToolName = "get_weather", Content = "12 °C" },
        ];
        var (text, _, _, _) = await ReadAsync(client, request);

        Assert.Equal("Hello, world!", text);
        var sent = host.Tokenizer.Chats.Last().Messages;
        Assert.Equal((sent[1].ToolCalls[0].Id, "get_weather", "12 °C"), (sent[2].ToolCallId, sent[2].Name, sent[2].Content));
        using var arguments = JsonDocument.Parse(sent[1].ToolCalls[0].ArgumentsJson);
        Assert.Equal("Köln", arguments.RootElement.GetProperty("city").GetString());
    }

    [Fact]
    [ClientTest("OllamaSharp", "schema")]
    public async Task Chat_OfASchema_IsGuided()
    {
        await using var host = await StartAsync();
        var request = Ask("json");
        request.Format = JsonDocument.Parse("{\"type\":\"object\"}").RootElement;

        var (text, _, _, _) = await ReadAsync(Client(host), request);

        Assert.Equal("{\"city\":\"Köln\"}", text);
        // Within the guide of the whole answer, which may begin with a thought.
        Assert.Contains("object", Assert.Single(host.Generator.Requests).Sampling.Guide.StructuralTag, StringComparison.Ordinal);
    }

    [Fact]
    [ClientTest("OllamaSharp", "cancel")]
    public async Task Chat_Cancelled_FreesTheSequence()
    {
        await using var host = await StartAsync();
        using var leaving = new CancellationTokenSource();

        // This client ends the enumeration, where others throw.
        await foreach (var part in Client(host).ChatAsync(Ask("wait"), leaving.Token))
        {
            if (part!.Message.Content is { Length: > 0 })
                await leaving.CancelAsync();
        }

        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_WithItsContext_GoesOn()
    {
        await using var host = await StartAsync();
        var client = Client(host);
        GenerateDoneResponseStream? done = null;
        await foreach (var part in client.GenerateAsync("Hi"))
            done = part as GenerateDoneResponseStream ?? done;

#pragma warning disable CS0618 // The client sends it all the same, and so do tools that are older than its deprecation.
        var context = new ConversationContext(done!.Context);
#pragma warning restore CS0618
        await foreach (var part in client.GenerateAsync("And?", context))
            done = part as GenerateDoneResponseStream ?? done;

        Assert.Equal("<user>Hi<assistant>Hello, world!<user>And?", FakeTokenizer.Render(host.Tokenizer.Chats.Last()));
    }

    [Fact]
    [ClientTest("OllamaSharp", "logprobs")]
    public async Task Generate_WithLogprobs_HasThem()
    {
        await using var host = await StartAsync();
        var request = new GenerateRequest { Model = "fake", Prompt = "Hi", Logprobs = true, TopLogprobs = 2 };
        var logprobs = new List<Logprob>();

        await foreach (var part in Client(host).GenerateAsync(request))
            logprobs.AddRange(part!.Logprobs ?? []);

        Assert.Equal(13, logprobs.Count);
        Assert.Equal(2, logprobs[0].TopLogprobs!.Count());
    }

    [Fact]
    public async Task Models_AsItAsksForThem_AreRead()
    {
        await using var host = await StartAsync();
        var client = Client(host);

        var listed = Assert.Single(await client.ListLocalModelsAsync());
        var running = Assert.Single(await client.ListRunningModelsAsync());
        var shown = await client.ShowModelAsync("fake");

        Assert.Equal(("fake", "1.2B"), (listed.Name, listed.Details.ParameterSize));
        Assert.Equal("fake", running.Name);
        Assert.Contains("tools", shown.Capabilities!);
        Assert.Equal("llama", shown.Info.Architecture);
        Assert.True(await client.IsRunningAsync());
        Assert.Equal(ModelInfoEndpoint.ApiVersion, await client.GetVersionAsync());
    }

    [Fact]
    [ClientTest("OllamaSharp", "errors")]
    public async Task Faults_AreItsOwnExceptionsWithOurWords()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.ReadsTools = false);
        var client = Client(host);
        var withTools = Ask("Hi");
        withTools.Tools = [Weather];

        var tools = await Assert.ThrowsAsync<ModelDoesNotSupportToolsException>(() => ReadAsync(client, withTools));
        var unknown = new ChatRequest { Model = "other", Messages = Ask("Hi").Messages };
        var other = await Assert.ThrowsAsync<HttpRequestException>(() => ReadAsync(client, unknown));
        var embed = await Assert.ThrowsAsync<OllamaException>(() => client.EmbedAsync("x"));

        Assert.Contains("does not read tools", tools.Message, StringComparison.Ordinal);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, other.StatusCode);
        Assert.Contains("gives no embeddings", embed.Message, StringComparison.Ordinal);
    }
}
