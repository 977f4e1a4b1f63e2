namespace Parley.Gateway.Tests.Page;

/// <summary>What the page keeps, sends and offers, as a reader meets it.</summary>
[Collection(ChromiumCollection.Name)]
public sealed class ConversationTests(Chromium chromium)
{
    [Fact]
    public async Task Reload_AfterAnswers_ShowsAndContinuesTheConversation()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.AskAsync("first");

        await chat.Page.ReloadAsync();
        await ChatPage.HasTextAsync(chat.Questions.First, "first");
        await ChatPage.HasTextAsync(chat.LastAnswer, "Hello, world!");
        await chat.AskAsync("second");

        Assert.Equal("user: first\nassistant: Hello, world!\nuser: second", ChatPage.Messages(chat.Requests[1]));
    }

    [Fact]
    public async Task Tab_ClosedAndOpenedAnew_ShowsTheConversation()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.AskAsync("first");

        await chat.OpenTabAsync();

        await ChatPage.HasTextAsync(chat.LastAnswer, "Hello, world!");
    }

    [Fact]
    public async Task Reload_WhileAnAnswerRuns_KeepsWhatCame()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var gate = new Gate(5);
        chat.Host.Generator.BeforeBatch = gate.PassAsync;
        await chat.SendAsync("first");
        await ChatPage.HasTextAsync(chat.LastAnswer, "Hello");

        await chat.Page.ReloadAsync();

        await ChatPage.HasTextAsync(chat.LastAnswer, "Hello");
        await ChatPage.HasTextAsync(chat.LastAnswer, "stopped");
        await ChatPage.IsShownAsync(chat.LastAnswer.GetByText("Regenerate"));
    }

    [Fact]
    public async Task NewChat_ThenReload_IsEmpty()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.AskAsync("first");

        await chat.Page.ClickAsync("#new-chat");
        await ChatPage.CountIsAsync(chat.Questions, 0);
        await chat.Page.ReloadAsync();

        await ChatPage.IsShownAsync(chat.Page.Locator("#welcome"));
        await ChatPage.CountIsAsync(chat.Questions, 0);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"version":1,"turns":[{"question":5}]}""")]
    public async Task Storage_Damaged_IsSaidAndThePageWorks(string entry)
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.AskAsync("first");
        await chat.Page.EvaluateAsync("""
            entry => {
              for (const key of Object.keys(localStorage)) localStorage.setItem(key, entry);
              localStorage.setItem("parley.settings", entry);
              // The page would keep its conversation once more as it closes.
              Storage.prototype.setItem = () => {};
            }
            """, entry);

        await chat.Page.ReloadAsync();

        await ChatPage.HasTextAsync(chat.Page.Locator("#note"), "could not be read");
        await chat.AskAsync("second");
        Assert.Equal("user: second", ChatPage.Messages(chat.Requests[1]));
    }

    [Fact]
    public async Task Storage_Full_IsSaidAndThePageWorks()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.Page.EvaluateAsync("""
            () => {
              for (let size = 1 << 22; size > 0; size >>= 1) {
                try { while (true) localStorage.setItem("other" + Math.random(), "x".repeat(size)); } catch { /* full for this size */ }
              }
            }
            """);

        await chat.AskAsync("first");

        await ChatPage.HasTextAsync(chat.LastAnswer, "Hello, world!");
        await ChatPage.HasTextAsync(chat.Page.Locator("#note"), "storage is full");
    }

    [Fact]
    public async Task Stop_BeforeAnyText_KeepsTheQuestionAndLeavesItOutOfTheNextRequest()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var gate = new Gate(0);
        chat.Host.Generator.BeforeBatch = gate.PassAsync;
        await chat.SendAsync("first");
        await chat.Page.ClickAsync("#stop");

        await ChatPage.HasTextAsync(chat.LastAnswer, "Stopped before any text came");
        await ChatPage.IsShownAsync(chat.LastAnswer.GetByText("Regenerate"));
        await ChatPage.HasTextAsync(chat.Questions.First, "first");
        gate.Open();
        await chat.AskAsync("second");

        Assert.Equal("user: second", ChatPage.Messages(chat.Requests[1]));
    }

    [Fact]
    public async Task Question_TooLong_FailsAloneAndCanBeEditedAndDeleted()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        chat.Host.Generator.ContextTokensMax = 200;
        await chat.AskAsync("first");

        await chat.AskAsync(new string('x', 300));
        await ChatPage.HasTextAsync(chat.LastAnswer, "Too long for this model");
        await chat.AskAsync("second");
        Assert.Equal("user: first\nassistant: Hello, world!\nuser: second", ChatPage.Messages(chat.Requests[2]));

        await chat.Questions.Nth(1).GetByText("Delete").ClickAsync();
        await ChatPage.CountIsAsync(chat.Questions, 2);
        await chat.Questions.Nth(1).GetByText("Edit").ClickAsync();
        await chat.Page.FillAsync(".edit textarea", "third");
        await chat.Page.PressAsync(".edit textarea", "Enter");
        await ChatPage.HasTextAsync(chat.Questions.Nth(1), "third");
        await chat.EndAsync();
        Assert.Equal("user: first\nassistant: Hello, world!\nuser: third", ChatPage.Messages(chat.Requests[3]));
    }

    [Fact]
    public async Task Stream_ThatBreaks_ShowsWhatCameAndOffersRegenerate()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var gate = new Gate(4);
        chat.Host.Generator.BeforeBatch = gate.PassAsync;
        chat.Host.Generator.Fault = (5, null);
        await chat.SendAsync("first");
        await ChatPage.HasTextAsync(chat.LastAnswer.Locator(".body"), "Hell");
        gate.Open();
        await chat.EndAsync();

        await ChatPage.HasTextAsync(chat.LastAnswer.Locator(".body"), "Hell");
        await ChatPage.IsShownAsync(chat.LastAnswer.Locator(".fault"));
        chat.Host.Generator.Fault = null;
        await chat.LastAnswer.GetByText("Regenerate").ClickAsync();
        await ChatPage.HasTextAsync(chat.LastAnswer, "Hello, world!");
        await chat.EndAsync();

        await ChatPage.IsHiddenAsync(chat.LastAnswer.Locator(".fault"));
        await ChatPage.CountIsAsync(chat.Answers, 1);
        Assert.Equal("user: first", ChatPage.Messages(chat.Requests[1]));
    }

    [Fact]
    public async Task Regenerate_WithoutAnyNewText_KeepsTheAnswerBefore()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.AskAsync("first");
        chat.Host.Generator.BeforeBatch = new Gate(0).PassAsync;

        await chat.LastAnswer.GetByText("Regenerate").ClickAsync();
        await chat.Page.ClickAsync("#stop");

        await ChatPage.HasTextAsync(chat.LastAnswer.Locator(".fault"), "This is the answer before.");
        await ChatPage.HasTextAsync(chat.LastAnswer.Locator(".body"), "Hello, world!");
    }

    [Fact]
    public async Task Tabs_OnTheSameConversation_FollowEachOther()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        await chat.AskAsync("first");
        var other = await chat.Page.Context.NewPageAsync();
        await other.GotoAsync(chat.Host.Http1.AbsoluteUri);
        await ChatPage.CountIsAsync(other.Locator(".message.user"), 1);

        await chat.AskAsync("second");

        await ChatPage.CountIsAsync(other.Locator(".message.user"), 2);
    }

    [Fact]
    public async Task Server_AsksForAKey_IsGivenItAndKeepsItForTheTab()
    {
        await using var chat = await ChatPage.OpenAsync(chromium, key: "pk-1");
        var (form, badge) = (chat.Page.Locator("#key-form"), chat.Page.Locator("#model"));
        await ChatPage.HasTextAsync(badge, "key needed");
        await ChatPage.IsHiddenAsync(chat.Page.Locator("#banner"));

        await chat.Page.FillAsync("#key", "pk-2");
        await chat.Page.PressAsync("#key", "Enter");
        await ChatPage.HasTextAsync(form, "is none of this server's");
        await chat.Page.FillAsync("#key", "pk-1");
        await chat.Page.PressAsync("#key", "Enter");
        await ChatPage.HasTextAsync(badge, "fake");
        await ChatPage.IsHiddenAsync(form);
        await chat.AskAsync("first");
        await ChatPage.HasTextAsync(chat.LastAnswer, "Hello, world!");

        await chat.Page.ReloadAsync();
        await ChatPage.HasTextAsync(badge, "fake");
        Assert.Equal("pk-1", await chat.Page.EvaluateAsync<string>("() => sessionStorage.getItem('parley.key')"));
        var kept = await chat.Page.EvaluateAsync<string>("() => JSON.stringify(localStorage)");
        Assert.DoesNotContain("pk-1", kept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_GoneAndBack_IsOnTheBadge()
    {
        await using var chat = await ChatPage.OpenAsync(chromium);
        var badge = chat.Page.Locator("#model");
        await ChatPage.HasTextAsync(badge, "fake");

        await chat.Page.RouteAsync("**/v1/**", route => route.AbortAsync());
        await chat.AskAsync("first");
        await ChatPage.HasTextAsync(badge, "server not reachable");
        await ChatPage.HasTextAsync(chat.LastAnswer, "The server cannot be reached.");
        await ChatPage.IsShownAsync(chat.Page.Locator("#banner"));

        await chat.Page.UnrouteAsync("**/v1/**");
        // Not a click that waits: the page may have found the server by itself already.
        await chat.Page.EvaluateAsync("() => document.getElementById('banner-retry').click()");
        await ChatPage.HasTextAsync(badge, "fake");
        await ChatPage.IsHiddenAsync(chat.Page.Locator("#banner"));
    }
}
