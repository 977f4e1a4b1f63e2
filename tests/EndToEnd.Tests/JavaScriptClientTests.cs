using System.Text.Json;
using Parley.Generator.V1;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests;

/// <summary>Clients for JavaScript on the real three services: by every way the same text.</summary>
[Collection(DemoCollection.Name)]
public sealed class JavaScriptClientTests(DemoSystem system)
{
    private const string Question = "What is a token?";

    [Fact]
    public async Task Answers_ByEveryApi_EqualThatOfTheContract()
    {
        var greedy = new SamplingParameters { Temperature = 0, MaxTokens = 32 };
        var text = (await system.Chat.CollectAsync(Conversations.Ask(Question, greedy))).Text();
        Assert.NotEmpty(text);

        var seen = await NodeClient.RunAsync("EndToEnd.Tests/clients.mjs", system.Http.Base(), Question);

        foreach (var way in new[] { "chat", "chatStreamed", "aiSdk", "responses" })
            Assert.Equal((way, text), (way, seen.GetProperty(way).GetString()));
        Assert.All(seen.GetProperty("tokens").EnumerateArray(), one => Assert.Equal(JsonValueKind.True, one.ValueKind));
        Assert.Equal("[[\"city\",\"rain\"],\"string\",\"boolean\"]", seen.GetProperty("schema").GetRawText());
        Assert.Equal("[\"message\",\"compaction\"]", seen.GetProperty("compacted").GetRawText());
        Assert.True(seen.GetProperty("onwards").GetBoolean());
        system.Log.AssertNoErrors();
    }
}
