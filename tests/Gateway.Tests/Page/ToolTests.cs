using Microsoft.Playwright;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Page;

/// <summary>Tools that the reader offers, and calls as the transcript shows them.</summary>
[Collection(ChromiumCollection.Name)]
public sealed class ToolTests(Chromium chromium)
{
    private const string Call = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\", \"days\": 3}}\n</tool_call>";

    [Fact]
    public async Task Call_InAnAnswer_IsFoldedWithItsArgumentsSpreadOut_AndKept()
    {
        await using var chat = await OpenAsync();
        await chat.OpenSettingsAsync();
        await chat.Page.FillAsync("#tools", """[{"name": "weather", "parameters": {"type": "object"}}]""");

        await chat.AskAsync("rain?");

        await ShowsTheCallAsync(chat);
        var tool = Assert.Single(chat.Requests[0].GetProperty("tools").EnumerateArray());
        Assert.Equal("weather", tool.GetProperty("function").GetProperty("name").GetString());
        await chat.Page.ReloadAsync();
        await ShowsTheCallAsync(chat);
        await Assertions.Expect(chat.Page.Locator("#tools")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("weather"));
    }

    [Fact]
    public async Task Tools_ThatAreNone_AreSaidAndNothingIsSent()
    {
        await using var chat = await OpenAsync();
        await chat.OpenSettingsAsync();
        await chat.Page.FillAsync("#tools", "[{");

        await ChatPage.HasTextAsync(chat.Page.Locator("#tools-fault"), "JSON list");
        await chat.SendAsync("rain?");
        await Assertions.Expect(chat.Page.Locator("#tools")).ToBeFocusedAsync();
        Assert.Empty(chat.Requests);

        await chat.Page.FillAsync("#tools", "");
        await chat.Page.PressAsync("#prompt", "Enter");
        await chat.EndAsync();
        Assert.False(chat.Requests[0].TryGetProperty("tools", out _));
        await ChatPage.CountIsAsync(chat.LastAnswer.Locator(".call"), 0);
    }

    private static async Task ShowsTheCallAsync(ChatPage chat)
    {
        var call = chat.LastAnswer.Locator(".call");
        await ChatPage.HasTextAsync(call.Locator("summary"), "Call of weather");
        await ChatPage.IsHiddenAsync(call.Locator("pre"));
        await call.Locator("summary").ClickAsync();
        await ChatPage.HasTextAsync(call.Locator("pre"), "{\n  \"city\": \"Köln\",\n  \"days\": 3\n}");
        await ChatPage.IsHiddenAsync(chat.LastAnswer.GetByText("without any text"));
    }

    private Task<ChatPage> OpenAsync() => ChatPage.OpenAsync(chromium, arrange: host =>
    {
        host.Generator.Script = _ => FakeGenerator.Letters(Call + "<|im_end|>");
        host.Tokenizer.ChatTemplate = "<|im_start|>assistant <tool_call>";
        host.Tokenizer.Opening = "<|im_start|>assistant\n";
    });
}
