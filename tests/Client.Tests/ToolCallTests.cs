using Microsoft.Extensions.AI;
using Parley.Client.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.TestSupport;

namespace Parley.Client.Tests;

/// <summary>Calls of functions and reasoning, as an answer brings them.</summary>
public sealed class ToolCallTests
{
    [Fact]
    [ClientTest("Parley.Client for .NET", "tools")]
    public async Task Function_OfThePipeline_IsCalledAndItsResultGoesBack()
    {
        await using var server = await ScriptedServer.StartAsync(
            request => Calls(request, Piece(0, "c1", "weather", "{\"city\":"), Piece(0, "", "", "\"Köln\"}")), ScriptedGateway.Answer);
        var client = server.Client().AsBuilder().UseFunctionInvocation().Build();
        var tool = AIFunctionFactory.Create((string city) => $"rain in {city}", "weather");

        var response = await client.GetResponseAsync("how is it?", new ChatOptions { Tools = [tool] });

        Assert.Equal("Hello, world!", response.Text);
        Assert.Equal(14, response.Usage!.InputTokenCount);
        var messages = server.Gateway.Requests.Last().Chat.Messages;
        Assert.Equal(["user", "assistant", "tool"], messages.Select(message => message.Role));
        var call = Assert.Single(messages[1].ToolCalls);
        Assert.Equal(("c1", "weather"), (call.Id, call.Name));
        RequestTests.AssertJson("""{"city":"Köln"}""", call.ArgumentsJson);
        Assert.Equal(("c1", "weather", "rain in Köln"), (messages[2].ToolCallId, messages[2].Name, messages[2].Content));
    }

    [Fact]
    public async Task Calls_OfAnAnswer_ComeWholeInTheirOrderAtItsEnd()
    {
        await using var server = await ScriptedServer.StartAsync(request => Calls(
            request, Piece(0, "a", "one", ""), Piece(1, "b", "two", "{\"n\":2}"), Piece(2, "c", "three", "{"), new ToolCallDelta
            {
                Index = 2,
                Dropped = true,
            }));

        var updates = await server.Client().GetStreamingResponseAsync("hello").ToListAsync();

        Assert.All(updates.SkipLast(1), update => Assert.Empty(update.Contents));
        Assert.Equal(ChatFinishReason.ToolCalls, updates[^1].FinishReason);
        var calls = updates[^1].Contents.OfType<FunctionCallContent>().ToList();
        Assert.Equal([("a", "one"), ("b", "two")], calls.Select(call => (call.CallId, call.Name)));
        Assert.Null(calls[0].Arguments);
        Assert.Equal("2", calls[1].Arguments!["n"]!.ToString());
    }

    [Fact]
    public async Task Arguments_ThatAreNoObject_AreTheCallsException()
    {
        await using var server = await ScriptedServer.StartAsync(request => Calls(request, Piece(0, "a", "one", "[1")));

        var response = await server.Client().GetResponseAsync("hello");

        var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.NotNull(call.Exception);
    }

    [Fact]
    [ClientTest("Parley.Client for .NET", "reasoning")]
    public async Task Reasoning_OfAnAnswer_IsApartFromItsText()
    {
        await using var server = await ScriptedServer.StartAsync(request =>
        [
            ScriptedGateway.Accepted(request), new CompleteResponse { Delta = new DeltaEvent { Reasoning = "hm, " } },
            new CompleteResponse { Delta = new DeltaEvent { Reasoning = "so", Text = "42" } },
            ScriptedGateway.Finished(FinishReason.Stop),
            new CompleteResponse { Completed = new CompletedEvent { ReasoningTokens = 3 } },
        ]);

        var response = await server.Client().GetResponseAsync("hello");

        Assert.Equal("42", response.Text);
        Assert.Equal("hm, so", Assert.Single(response.Messages[0].Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal(3, response.Usage!.ReasoningTokenCount);
    }

    private static IEnumerable<CompleteResponse> Calls(CompleteRequest request, params ToolCallDelta[] deltas) =>
    [
        ScriptedGateway.Accepted(request),
        .. deltas.Select(delta => new CompleteResponse { Delta = new DeltaEvent { ToolCalls = { delta } } }),
        ScriptedGateway.Finished(FinishReason.ToolCalls), ScriptedGateway.Completed,
    ];

    private static ToolCallDelta Piece(uint index, string id, string name, string arguments) =>
        new() { Index = index, Id = id, Name = name, Arguments = arguments };
}
