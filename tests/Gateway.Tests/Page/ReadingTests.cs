using Microsoft.Playwright;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Page;

/// <summary>An answer that grows leaves its reader in peace.</summary>
[Collection(ChromiumCollection.Name)]
public sealed class ReadingTests(Chromium chromium)
{
    private const int HeldBatch = 60;

    private static readonly string[] Lines = [.. Enumerable.Range(1, 120).Select(number => $"Line {number} of the answer.\n\n")];

    [Fact]
    public async Task Reader_ScrolledUp_IsNotMovedByTheAnswerNorByItsEnd()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var gate = await AskAndHoldAsync(chat, Lines);
        await chat.Page.EvaluateAsync("() => { document.getElementById('scroller').scrollTop = 150; }");
        await FrameAsync(chat.Page);

        gate.Open();
        await chat.LastAnswer.GetByText("Line 120 of the answer.").WaitForAsync(new() { State = WaitForSelectorState.Attached });
        await Assertions.Expect(chat.Page.Locator("#log")).ToHaveAttributeAsync("aria-busy", "false");
        await FrameAsync(chat.Page);

        Assert.Equal(150, await chat.Page.EvaluateAsync<double>("() => document.getElementById('scroller').scrollTop"));
    }

    [Fact]
    public async Task Reader_AtTheEnd_StaysThere()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var gate = await AskAndHoldAsync(chat, Lines);

        gate.Open();
        await chat.EndAsync();

        await chat.Page.WaitForFunctionAsync("""
            () => {
              const { scrollHeight, scrollTop, clientHeight } = document.getElementById("scroller");
              return scrollHeight - scrollTop - clientHeight <= 2;
            }
            """);
        await Assertions.Expect(chat.LastAnswer.GetByText("Line 120 of the answer.")).ToBeInViewportAsync();
    }

    [Theory]
    // A block that is done, the open paragraph, and one whose marks close only after the selection was made.
    [InlineData("First paragraph.\n\nSecond *par", "agraph* here.\n\nThird.", "First")]
    [InlineData("First paragraph.\n\nSecond par", "agraph here.\n\nThird.", "Second par")]
    [InlineData("First **str", "ong** end.\n\nThird.", "First **str")]
    [InlineData("- one\n- tw", "o\n- three\n\nThird.", "one")]
    [InlineData("```\nlet x", " = 1;\n```\n\nThird.", "let x")]
    public async Task Selection_WhileTheAnswerGrows_IsKept(string before, string after, string selected)
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var gate = await AskAndHoldAsync(chat, [before, after], held: 1);
        await chat.Page.WaitForFunctionAsync(
            "text => document.querySelector('.assistant .body').textContent.includes(text)", selected);
        await chat.Page.EvaluateAsync("""
            text => {
              const walker = document.createTreeWalker(document.querySelector(".assistant .body"), NodeFilter.SHOW_TEXT);
              while (!walker.nextNode().data.includes(text));
              const start = walker.currentNode.data.indexOf(text);
              document.getSelection().setBaseAndExtent(walker.currentNode, start, walker.currentNode, start + text.length);
            }
            """, selected);

        gate.Open();
        await chat.LastAnswer.GetByText("Third.").WaitForAsync();
        await chat.EndAsync();

        Assert.Equal(selected, await chat.Page.EvaluateAsync<string>("() => document.getSelection().toString()"));
        // Once nothing is selected, the whole answer stands there.
        await chat.Page.EvaluateAsync("() => document.getSelection().removeAllRanges()");
        await chat.Page.WaitForFunctionAsync("() => !document.querySelector('.assistant .body').textContent.includes('**')");
        await ChatPage.HasTextAsync(chat.LastAnswer, "Third.");
    }

    [Fact]
    public async Task Block_ThatIsDone_IsNotDrawnAgain()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var gate = await AskAndHoldAsync(chat, ["First.\n\nSec", "ond.\n\nThird."], held: 1);
        await ChatPage.HasTextAsync(chat.LastAnswer, "Sec");
        await chat.Page.EvaluateAsync("() => document.querySelectorAll('.assistant .body p').forEach(node => node.mark = true)");

        gate.Open();
        await chat.EndAsync();

        Assert.Equal("true true false", await chat.Page.EvaluateAsync<string>(
            "() => Array.from(document.querySelectorAll('.assistant .body p'), node => node.mark === true).join(' ')"));
    }

    [Theory]
    [InlineData(375, 640)]
    [InlineData(320, 568)]
    public async Task NarrowPage_Everything_FitsAndTheSettingsClose(int width, int height)
    {
        await using var chat = await ChatPage.OpenAsync(chromium, width, height);
        chat.Host.Generator.ContextTokensMax = 40;
        await chat.AskAsync(new string('x', 100));

        await Assertions.Expect(chat.LastAnswer.Locator(".fault")).ToBeInViewportAsync(new() { Ratio = 1 });
        await Assertions.Expect(chat.Questions.First.Locator(".body")).ToBeInViewportAsync(new() { Ratio = 1 });
        Assert.Equal(width, await chat.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        Assert.True(await chat.Page.EvaluateAsync<bool>("""
            () => {
              const boxes = ["#model", "#new-chat", "#toggle-settings"].map(name => document.querySelector(name).getBoundingClientRect());
              return boxes.every((box, index) => index === 0 || box.left >= boxes[index - 1].right) && boxes[1].height === boxes[2].height;
            }
            """));
        await chat.OpenSettingsAsync();
        await ChatPage.IsShownAsync(chat.Page.Locator("#settings"));
        await chat.Page.Keyboard.PressAsync("Escape");
        await ChatPage.IsHiddenAsync(chat.Page.Locator("#settings"));
        await chat.OpenSettingsAsync();
        await chat.Page.ClickAsync("#close-settings");
        await ChatPage.IsHiddenAsync(chat.Page.Locator("#settings"));
    }

    /// <summary>Asks, and returns once the batches before the held one are shown.</summary>
    private static async Task<Gate> AskAndHoldAsync(ChatPage chat, string[] batches, int held = HeldBatch)
    {
        var gate = new Gate(held);
        chat.Host.Generator.Script = _ => batches.Select(FakeTokenizer.Ids);
        chat.Host.Generator.BeforeBatch = gate.PassAsync;
        await chat.SendAsync("go");
        if (held == HeldBatch)
            await chat.LastAnswer.GetByText($"Line {held} of the answer.").WaitForAsync();
        return gate;
    }

    /// <summary>Scroll and resize events of what was done before have been handled after two frames.</summary>
    private static Task FrameAsync(IPage page) =>
        page.EvaluateAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
}
