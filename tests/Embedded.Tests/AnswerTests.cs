using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Parley.Client;
using Parley.Gateway.V1;

namespace Parley.Embedded.Tests;

/// <summary>What is answered in this process is what is answered over gRPC and a port.</summary>
[Collection(DemoCollection.Name)]
public sealed class AnswerTests(DemoModel demo)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_InThisProcess_EqualsThatOverGrpc(bool isDrawn)
    {
        var options = isDrawn ? DemoModel.Drawn : DemoModel.Greedy;
        var expected = await demo.Remote.GetResponseAsync(DemoModel.Question, options);

        var whole = await demo.Embedded.GetResponseAsync(DemoModel.Question, options);
        var updates = await demo.Embedded.GetStreamingResponseAsync(DemoModel.Question, options).ToListAsync();

        Assert.NotEmpty(expected.Text);
        Assert.Equal(expected.Text, whole.Text);
        Assert.Equal(expected.Text, updates.ToChatResponse().Text);
        Assert.True(updates.Count > 2, $"{updates.Count} updates");
        Assert.Equal(expected.FinishReason, whole.FinishReason);
        Assert.Equal(expected.Usage!.InputTokenCount, whole.Usage!.InputTokenCount);
        Assert.Equal(expected.Usage.OutputTokenCount, whole.Usage.OutputTokenCount);
        Assert.Equal(expected.ModelId, whole.ModelId);
        Assert.IsType<CompletedEvent>(whole.RawRepresentation);
        demo.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Answers_ManyAtOnce_AreEachTheirOwn()
    {
        var asked = Enumerable.Range(1, 24).Select(seed =>
            new ChatOptions { Temperature = 1.1f, Seed = seed, MaxOutputTokens = 12 }).ToList();
        var alone = new List<string>();
        foreach (var options in asked)
            alone.Add((await demo.Embedded.GetResponseAsync(DemoModel.Question, options)).Text);

        var together = await Task.WhenAll(asked.Select(options => demo.Embedded.GetResponseAsync(DemoModel.Question, options)));

        Assert.Equal(alone, together.Select(answer => answer.Text));
    }

    [Fact]
    public async Task StructuredOutput_OfAType_IsOne()
    {
        var answer = await demo.Embedded.GetResponseAsync<Verdict>(
            "Is a token a word?", new ChatOptions { Temperature = 0.8f, Seed = 3, MaxOutputTokens = 200 });

        Assert.True(answer.TryGetResult(out var verdict), answer.Text);
        Assert.True(Enum.IsDefined(verdict.Certainty));
    }

    [Fact]
    public async Task Refusal_OfARequest_IsThatOfTheClient()
    {
        var refused = await Assert.ThrowsAsync<ParleyRequestException>(() =>
            demo.Embedded.GetResponseAsync(DemoModel.Question, new ChatOptions { Temperature = -1, StopSequences = [""] }));
        var unknown = await Assert.ThrowsAsync<ParleyRequestException>(() =>
            demo.Embedded.GetResponseAsync(DemoModel.Question, new ChatOptions { ModelId = "nobody/knows" }));

        Assert.Equal(["sampling.temperature", "stop[0]"], refused.Violations.Select(violation => violation.Field).Order());
        Assert.Equal("model", Assert.Single(unknown.Violations).Field);
    }

    /// <summary>A guide makes the demo model, which never learnt it, write a call; the function runs and its result goes back.</summary>
    [Fact]
    public async Task Tool_ThatIsCalled_GetsItsArgumentsAndItsResultIsRead()
    {
        var model = ToolModel.Write(Path.Combine(demo.Folder, "tools"));
        await using var client = DemoModel.Create(model, options =>
            (options.Precision, options.CacheFolder) = ("fp32", Path.Combine(demo.Folder, "cache-of-tools")));
        var city = "";
        var tool = AIFunctionFactory.Create((string place) => $"It rains in {city = place}.", "weather");
        var call = JsonSerializer.Serialize(new { name = "weather", arguments = new { place = "Bonn" } });
        var chat = new List<ChatMessage> { new(ChatRole.User, "How is the weather in Bonn?") };

        var forced = await client.GetResponseAsync(chat, new ChatOptions
        {
            Tools = [tool],
            AdditionalProperties = new() { [ParleyProperties.GuideChoice] = new[] { $"<call>{call}</call>" } },
        });
        var asked = Assert.Single(forced.Messages[0].Contents.OfType<FunctionCallContent>());
        var result = await tool.InvokeAsync(new AIFunctionArguments(asked.Arguments));
        chat.AddMessages(forced);
        chat.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent(asked.CallId, result)]));
        var answer = await client.GetResponseAsync(chat, new ChatOptions { Tools = [tool], Temperature = 0, MaxOutputTokens = 16 });

        Assert.Equal(("weather", "Bonn", ChatFinishReason.ToolCalls), (asked.Name, city, forced.FinishReason));
        Assert.NotEmpty(answer.Text);
    }

    /// <summary>A model that never learnt JSON would fill an open object with whatever comes to it.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record Verdict(bool IsRight, Certainty Certainty);
}
