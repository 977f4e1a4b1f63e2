using System.Text.Json;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Anthropic;

/// <summary>Anthropic's own .NET client against the Gateway; it checks every field of an answer against its types.</summary>
public sealed class AnthropicSdkTests
{
    private static readonly Tool Weather = new()
    {
        Name = "get_weather",
        Description = "Looks.",
        InputSchema = new InputSchema
        {
            Properties = new Dictionary<string, JsonElement> { ["city"] = JsonDocument.Parse("{\"type\":\"string\"}").RootElement },
        },
    };

    private static Task<GatewayHost> StartAsync() => GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);

    private static AnthropicClient Client(GatewayHost host) => new()
    {
        HttpClient = host.Http(),
        BaseUrl = "http://gateway",
        ApiKey = "none",
        MaxRetries = 0,
        ResponseValidation = true,
    };

    private static MessageCreateParams Ask(string text) => new()
    {
        Model = "fake",
        MaxTokens = 50,
        Messages = [new UserMessageParam(text)],
    };

    private static string TextOf(Message message) =>
        string.Concat(message.Content.Select(block => block.TryPickText(out var text) ? text.Text : ""));

    [Fact]
    [ClientTest("Anthropic for .NET", "answer", "usage")]
    public async Task Create_PlainMessage_ReadsTextReasonAndUsage()
    {
        await using var host = await StartAsync();

        var message = await Client(host).Messages.Create(Ask("Hi") with
        {
            System = "Be brief.",
            StopSequences = ["END"],
            Metadata = new Metadata { UserID = "u" },
        });

        message.Validate();
        Assert.Equal(("Hello, world!", "end_turn", 13), (TextOf(message), message.StopReason!.Raw(), (int)message.Usage.OutputTokens));
        Assert.Equal(50u, Assert.Single(host.Generator.Requests).Sampling.MaxTokens);
        Assert.Equal("END", Assert.Single(Assert.Single(host.Tokenizer.Starts).Stop));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("Anthropic for .NET", "stream", "tools", "reasoning")]
    public async Task CreateStreaming_ThoughtsToolsAndTheirResults_ComeBackAsTheyWentOut()
    {
        await using var host = await StartAsync();
        var client = Client(host);
        var request = Ask("Rain?") with { Tools = [Weather], Thinking = new ThinkingConfigAdaptive() };
        var (thinking, arguments, id, reason) = ("", "", "", "");

        await foreach (var happened in client.Messages.CreateStreaming(request))
        {
            happened.Validate();
            if (happened.TryPickContentBlockStart(out var start) && start.ContentBlock.TryPickToolUse(out var call))
                id = call.ID;
            if (happened.TryPickContentBlockDelta(out var delta))
            {
                thinking += delta.Delta.TryPickThinking(out var thought) ? thought.Thinking : "";
                arguments += delta.Delta.TryPickInputJson(out var json) ? json.PartialJson : "";
            }

            if (happened.TryPickDelta(out var end))
                reason = end.Delta.StopReason!.Raw();
        }

        Assert.Equal(("Hm.", "{\"city\": \"Köln\"}", "tool_use"), (thinking, arguments, reason));
        using var document = JsonDocument.Parse(arguments);
        var input = document.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value);
        var answer = await client.Messages.Create(request with
        {
            Messages =
            [
                new UserMessageParam("Rain?"),
                new AssistantMessageParam(new List<ContentBlockParam>
                {
                    new ToolUseBlockParam { ID = id, Name = "get_weather", Input = input },
                }),
                new UserMessageParam(new List<ContentBlockParam> { new ToolResultBlockParam { ToolUseID = id, Content = "12 °C" } }),
            ],
        });

        Assert.Equal("Hello, world!", TextOf(answer));
        var sent = host.Tokenizer.Chats.Last().Messages;
        Assert.Equal((id, "get_weather", "12 °C"), (sent[2].ToolCallId, sent[2].Name, sent[2].Content));
    }

    [Fact]
    [ClientTest("Anthropic for .NET", "schema")]
    public async Task Create_OfASchema_IsGuided()
    {
        await using var host = await StartAsync();
        var schema = new Dictionary<string, JsonElement> { ["type"] = JsonDocument.Parse("\"object\"").RootElement };

        var message = await Client(host).Messages.Create(Ask("json") with
        {
            OutputConfig = new OutputConfig { Format = new JsonOutputFormat { Schema = schema } },
        });

        Assert.Equal("{\"city\":\"Köln\"}", TextOf(message));
        // Within the guide of the whole answer, which may begin with a thought.
        Assert.Contains("object", Assert.Single(host.Generator.Requests).Sampling.Guide.StructuralTag, StringComparison.Ordinal);
    }

    [Fact]
    [ClientTest("Anthropic for .NET", "cancel")]
    public async Task CreateStreaming_Cancelled_FreesTheSequence()
    {
        await using var host = await StartAsync();
        using var leaving = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var happened in Client(host).Messages.CreateStreaming(Ask("wait"), leaving.Token))
            {
                if (happened.TryPickContentBlockDelta(out _))
                    await leaving.CancelAsync();
            }
        });

        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("Anthropic for .NET", "errors")]
    public async Task Faults_AreItsOwnExceptions()
    {
        await using var host = await StartAsync();
        await using var away = await GatewayHost.StartAsync(arrange: one => one.Missing.Add("generator"));
        await using var closed = await GatewayHost.StartAsync(new() { ["ApiKey"] = "pk-one" });
        // In memory an abort overtakes the event that says why.
        await using var wire = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);
        using var http = new HttpClient();
        using var client = new AnthropicClient
        {
            HttpClient = http,
            BaseUrl = wire.Http1.AbsoluteUri.TrimEnd('/'),
            ApiKey = "none",
            MaxRetries = 0,
        };

        var other = await Assert.ThrowsAsync<AnthropicNotFoundException>(
            () => Client(host).Messages.Create(Ask("Hi") with { Model = "other" }));
        var bad = await Assert.ThrowsAsync<AnthropicBadRequestException>(
            () => Client(host).Messages.Create(Ask("Hi") with { MaxTokens = 0 }));
        await Assert.ThrowsAsync<AnthropicUnauthorizedException>(() => Client(closed).Messages.Create(Ask("Hi")));
        await Assert.ThrowsAsync<AnthropicServiceUnavailableException>(() => Client(away).Messages.Create(Ask("Hi")));
        var broken = await Assert.ThrowsAnyAsync<AnthropicException>(async () =>
        {
            await foreach (var happened in client.Messages.CreateStreaming(Ask("fail")))
                happened.Validate();
        });

        Assert.Contains("'other' is not served here", other.Message, StringComparison.Ordinal);
        Assert.Contains("max_tokens must be at least 1", bad.Message, StringComparison.Ordinal);
        Assert.NotNull(broken);
    }

    [Fact]
    public async Task CountTokensAndModels_AsItAsksForThem_AreRead()
    {
        await using var host = await StartAsync();

        var count = await Client(host).Messages.CountTokens(new MessageCountTokensParams
        {
            Model = "fake",
            Messages = [new UserMessageParam("Hi")],
        });
        var models = await Client(host).Models.List();

        Assert.Equal(8, count.InputTokens);
        Assert.Equal("fake", Assert.Single(models.Items).ID);
    }
}
