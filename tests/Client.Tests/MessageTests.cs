using Microsoft.Extensions.AI;
using Parley.Client.Requests;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using WireMessage = Parley.Tokenizer.V1.ChatMessage;

namespace Parley.Client.Tests;

/// <summary>Messages of the abstractions as the chat template gets them.</summary>
public sealed class MessageTests
{
    [Fact]
    public void Text_OfOnePart_IsContentAndOfSeveralIsParts()
    {
        Assert.Equal("one", Assert.Single(Write(new ChatMessage(ChatRole.User, "one"))).Content);
        var parts = Assert.Single(Write(new ChatMessage(ChatRole.User, [new TextContent("a"), new TextContent("b")])));
        Assert.False(parts.HasContent);
        Assert.Equal(["a", "b"], parts.Parts.Select(part => part.Text));
        Assert.Equal("", Assert.Single(Write(new ChatMessage(ChatRole.User, (string?)null))).Content);
    }

    [Theory]
    [InlineData("system", "system")]
    [InlineData("developer", "system")]
    [InlineData("assistant", "assistant")]
    [InlineData("ipython", "ipython")]
    public void Role_OfAMessage_IsTheTemplatesWord(string role, string expected) =>
        Assert.Equal(expected, Assert.Single(Write(new ChatMessage(new ChatRole(role), "x"))).Role);

    [Fact]
    public void Author_AndReasoning_HaveTheirFields()
    {
        var message = Assert.Single(Write(
            new ChatMessage(ChatRole.Assistant, [new TextReasoningContent("hm, "), new TextReasoningContent("so"), new TextContent("42")])
            {
                AuthorName = "deep",
            }));

        Assert.Equal(("deep", "hm, so", "42"), (message.Name, message.ReasoningContent, message.Content));
    }

    [Fact]
    public void Notes_AboutAnAnswer_AreNotSaid()
    {
        var message = Assert.Single(Write(new ChatMessage(
            ChatRole.Assistant, [new TextContent("42"), new UsageContent(new UsageDetails()), new ErrorContent("oh")])));

        Assert.Equal("42", message.Content);
    }

    [Fact]
    public void Calls_AndResults_AreThoseOfTheTemplate()
    {
        var messages = Write(
            new ChatMessage(ChatRole.Assistant,
            [
                new FunctionCallContent("c1", "weather", new Dictionary<string, object?> { ["city"] = "Köln" }),
                new FunctionCallContent("c2", "time"),
            ]),
            new ChatMessage(ChatRole.Tool, [new FunctionResultContent("c1", "rain"), new FunctionResultContent("c2", new[] { 1, 2 })]));

        Assert.Equal(3, messages.Count);
        Assert.Equal(("assistant", ""), (messages[0].Role, messages[0].Content));
        Assert.Equal(["c1", "c2"], messages[0].ToolCalls.Select(call => call.Id));
        RequestTests.AssertJson("""{"city":"Köln"}""", messages[0].ToolCalls[0].ArgumentsJson);
        Assert.Equal("{}", messages[0].ToolCalls[1].ArgumentsJson);
        Assert.Equal([("tool", "c1", "weather", "rain"), ("tool", "c2", "time", "[1,2]")], messages.Skip(1)
            .Select(message => (message.Role, message.ToolCallId, message.Name, message.Content)));
    }

    [Fact]
    public void Results_OfEveryKind_AreText()
    {
        var messages = Write(new ChatMessage(ChatRole.Tool,
        [
            new FunctionResultContent("1", null), new FunctionResultContent("2", RequestTests.Json("\"plain\"")),
            new FunctionResultContent("3", RequestTests.Json("""{"a":1}""")), new FunctionResultContent("4", new TextContent("text")),
            new FunctionResultContent("5", 2.5),
        ]));

        Assert.Equal(["", "plain", """{"a":1}""", "text", "2.5"], messages.Select(message => message.Content));
    }

    [Fact]
    public void Tool_OfAFunction_IsTheTemplatesJson()
    {
        var tool = AIFunctionFactory.Create((string city) => city, "weather", "Tells the weather of a city, e.g. \"Köln\" <now>.");

        var json = RequestTests.Json(ToolJson.Write(tool));

        Assert.Equal("function", json.GetProperty("type").GetString());
        var function = json.GetProperty("function");
        Assert.Equal("weather", function.GetProperty("name").GetString());
        var city = function.GetProperty("parameters").GetProperty("properties").GetProperty("city");
        Assert.Equal("string", city.GetProperty("type").GetString());
        Assert.Contains("Köln\\\" <now>", ToolJson.Write(tool));
    }

    [Fact]
    public void Content_ThatIsNoText_IsRefusedByItsPlace()
    {
        var violations = new ViolationList();
        var writer = new MessageWriter(violations);
        _ = writer.Write("messages[1]", new ChatMessage(ChatRole.User,
        [
            new TextContent("what is this?"), new DataContent(new byte[] { 1 }, "image/png"),
            new UriContent("https://a/b.mp3", "audio/mpeg"), new HostedFileContent("f"),
        ])).ToList();

        var exception = Assert.Throws<ParleyRequestException>(violations.ThrowIfAny);

        Assert.Equal(["messages[1].Contents[1]", "messages[1].Contents[2]", "messages[1].Contents[3]"],
            exception.Violations.Select(violation => violation.Field));
        Assert.Contains("is an image (image/png); the models of this server read text alone", exception.Message);
        Assert.Contains("is a sound (audio/mpeg)", exception.Message);
        Assert.Contains("is HostedFileContent", exception.Message);
    }

    private static List<WireMessage> Write(params ChatMessage[] messages)
    {
        var violations = new ViolationList();
        var writer = new MessageWriter(violations);
        List<WireMessage> written = [.. messages.SelectMany((message, index) => writer.Write($"messages[{index}]", message))];
        violations.ThrowIfAny();
        return written;
    }
}
