using System.ComponentModel;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Parley.Client;

namespace Parley.EndToEnd.Tests;

/// <summary>Functions and answers of a type through the client for .NET, on the real three services.</summary>
public sealed class DotNetToolTests
{
    [Fact]
    public async Task Function_ThatMustBeCalled_IsCalledAndItsResultGoesBack()
    {
        await using var system = await ToolSystem.StartAsync("<tool_call>", "<|im_start|>assistant\n");
        using var client = new ParleyChatClient(system.Grpc.AbsoluteUri);
        var asked = new List<Kind>();
        var forecast = AIFunctionFactory.Create(
            ([Description("What it may be.")] Kind kind, bool exact) =>
            {
                asked.Add(kind);
                return $"{kind} comes";
            },
            new AIFunctionFactoryOptions { Name = "forecast", JsonSchemaCreateOptions = Closed });
        using var caller = new ChatClientBuilder(client).UseFunctionInvocation().Build();

        var answer = await caller.GetResponseAsync("rain?", new ChatOptions
        {
            Tools = [forecast],
            ToolMode = ChatToolMode.RequireSpecific("forecast"),
            Temperature = 1.2f,
            Seed = 3,
            MaxOutputTokens = 60,
        });

        var call = answer.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().First();
        Assert.Equal("forecast", call.Name);
        var result = answer.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().First();
        Assert.Equal($"{asked[0]} comes", result.Result?.ToString());
        Assert.Equal(call.CallId, result.CallId);
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Answer_OfAType_IsOneAlsoBehindReasoning()
    {
        await using var system = await ToolSystem.StartAsync("<tool_call> <think>", "<|im_start|>assistant\n<think>\n");
        using var client = new ParleyChatClient(system.Grpc.AbsoluteUri);

        var answer = await client.GetResponseAsync<Weather>("rain?", new ChatOptions
        {
            Temperature = 1.2f,
            Seed = 3,
            MaxOutputTokens = 120,
            AdditionalProperties = new() { [ParleyProperties.ReasoningTokensMax] = 8 },
        }, useJsonSchemaResponseFormat: true);

        Assert.True(Enum.IsDefined(answer.Result.Kind), answer.Text);
        Assert.NotEmpty(answer.Messages.SelectMany(message => message.Contents).OfType<TextReasoningContent>());
        system.Log.AssertNoErrors();
    }

    /// <summary>
    /// Without it a schema allows any further members, and a model that knows nothing writes them until its budget is spent.
    /// </summary>
    private static AIJsonSchemaCreateOptions Closed => new()
    {
        TransformOptions = new AIJsonSchemaTransformOptions { DisallowAdditionalProperties = true },
    };

    private enum Kind
    {
        Rain,
        Sun,
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record Weather(Kind Kind, bool IsCold);
}
