using System.ClientModel;
using OpenAI.Responses;
using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>OpenAI's .NET client of the Responses API.</summary>
public sealed class ResponsesClientTests
{
    private static readonly BinaryData Schema = BinaryData.FromString("""{"type": "object", "properties": {"city": {"type": "string"}}}""");

    private static CreateResponseOptions Ask(string text, params ResponseTool[] tools)
    {
        var options = new CreateResponseOptions { Model = "fake", InputItems = { ResponseItem.CreateUserMessageItem(text) } };
        foreach (var tool in tools)
            options.Tools.Add(tool);
        return options;
    }

    [Fact]
    [ClientTest("OpenAI for .NET, responses", "answer", "usage")]
    public async Task CreateResponse_PlainText_ReadsTextStatusAndUsage()
    {
        await using var host = await GatewayHost.StartAsync();

        ResponseResult response = await host.OpenAi().GetResponsesClient().CreateResponseAsync("fake", "Hi");

        Assert.Equal(("Hello, world!", ResponseStatus.Completed, 13),
            (response.GetOutputText(), response.Status, response.Usage.OutputTokenCount));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("OpenAI for .NET, responses", "stream", "reasoning")]
    public async Task CreateResponseStreaming_ThoughtsTextAndCall_ComeAsUpdates()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.ChatTemplate = ResponsesApi.ResponsesHost.Hermes;
            one.Generator.Script = _ =>
                FakeGenerator.Letters($"<think>\nRain?\n</think>\n\nI look.\n{ResponsesApi.ResponsesHost.Call}<|im_end|>");
        });
        var options = Ask("Rain?", ResponseTool.CreateFunctionTool("get_weather", Schema, false));
        options.StreamingEnabled = true;
        var (text, thought, arguments, numbers) = ("", "", "", new List<int>());
        FunctionCallResponseItem? call = null;
        ResponseResult? last = null;

        await foreach (var update in await host.OpenAi().GetResponsesClient().CreateResponseStreamingAsync(options))
        {
            numbers.Add(update.SequenceNumber);
            switch (update)
            {
                case StreamingResponseOutputTextDeltaUpdate delta:
                    text += delta.Delta;
                    break;
                case StreamingResponseReasoningTextDeltaUpdate delta:
                    thought += delta.Delta;
                    break;
                case StreamingResponseFunctionCallArgumentsDeltaUpdate delta:
                    arguments += delta.Delta;
                    break;
                case StreamingResponseOutputItemDoneUpdate { Item: FunctionCallResponseItem item }:
                    call = item;
                    break;
                case StreamingResponseCompletedUpdate completed:
                    last = completed.Response;
                    break;
            }
        }

        Assert.Equal(("I look.", "Rain?", "{\"city\": \"Köln\"}"), (text, thought, arguments));
        Assert.Equal(("get_weather", arguments), (call!.FunctionName, call.FunctionArguments.ToString()));
        Assert.Equal(Enumerable.Range(0, numbers.Count), numbers);
        Assert.Equal(3, last!.OutputItems.Count);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("OpenAI for .NET, responses", "tools")]
    public async Task CreateResponse_ToolRoundTripByPreviousId_GoesOn()
    {
        await using var host = await GatewayHost.StartAsync(arrange: OpenAiClients.CallTwoTools);
        var client = host.OpenAi().GetResponsesClient();
        var tool = ResponseTool.CreateFunctionTool("get_weather", Schema, false);
        ResponseResult response = await client.CreateResponseAsync(Ask("Rain?", tool));

        foreach (var result in new[] { "wet", "5" })
        {
            var call = Assert.Single(response.OutputItems.OfType<FunctionCallResponseItem>());
            var next = new CreateResponseOptions
            {
                Model = "fake",
                PreviousResponseId = response.Id,
                InputItems = { ResponseItem.CreateFunctionCallOutputItem(call.CallId, result) },
                Tools = { tool },
            };
            response = await client.CreateResponseAsync(next);
        }

        Assert.Equal("It rains, and 5.", response.GetOutputText());
        Assert.Equal(["user", "assistant", "tool", "assistant", "tool"], host.Tokenizer.Chats.Last().Messages.Select(one => one.Role));
        ResponseResult kept = await client.GetResponseAsync(response.Id);
        Assert.Equal(response.GetOutputText(), kept.GetOutputText());
        var items = new List<ResponseItem>();
        await foreach (var item in client.GetResponseInputItemsAsync(response.Id))
            items.Add(item);
        Assert.Equal(5, items.Count);
        Assert.True((await client.DeleteResponseAsync(response.Id)).Value.Deleted);
        var gone = await Assert.ThrowsAsync<ClientResultException>(() => client.GetResponseAsync(response.Id));
        Assert.Equal(404, gone.Status);
    }

    [Fact]
    [ClientTest("OpenAI for .NET, responses", "errors")]
    public async Task CreateResponse_WrongValue_ThrowsWithTheServersWords()
    {
        await using var host = await GatewayHost.StartAsync();
        var options = Ask("Hi");
        options.Temperature = -1;

        var fault = await Assert.ThrowsAsync<ClientResultException>(() => host.OpenAi().GetResponsesClient().CreateResponseAsync(options));

        Assert.Equal(400, fault.Status);
        Assert.Contains("temperature must be between 0 and 100", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    [ClientTest("OpenAI for .NET, responses", "cancel")]
    public async Task CreateResponse_Cancelled_FreesItsPlaces()
    {
        using var leaving = new CancellationTokenSource();
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.BeforeBatch = (batch, token) =>
        {
            if (batch == 1)
                leaving.Cancel();
            return batch == 1 ? Task.Delay(Timeout.Infinite, token) : Task.CompletedTask;
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => host.OpenAi().GetResponsesClient().CreateResponseAsync(Ask("Hi"), leaving.Token));

        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
    }

    [Fact]
    [ClientTest("OpenAI for .NET, responses", "schema")]
    public async Task CreateResponse_OfASchema_IsGuided()
    {
        await using var host = await GatewayHost.StartAsync(arrange: AskedAnswers.Arrange);
        var options = Ask("json");
        var format = ResponseTextFormat.CreateJsonSchemaFormat("place", Schema, null, true);
        options.TextOptions = new ResponseTextOptions { TextFormat = format };

        ResponseResult response = await host.OpenAi().GetResponsesClient().CreateResponseAsync(options);

        Assert.Equal("{\"city\":\"Köln\"}", response.GetOutputText());
        Assert.Contains("\"city\"", Assert.Single(host.Generator.Requests).Sampling.Guide.StructuralTag, StringComparison.Ordinal);
    }
}
