using System.Text.Json;
using Microsoft.Playwright;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Page;

/// <summary>The page in a browser, over a Gateway with fake services; every wait is for a state of the page.</summary>
internal sealed class ChatPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _faults = [];

    private ChatPage(GatewayHost host, IBrowserContext context)
    {
        Host = host;
        _context = context;
    }

    public GatewayHost Host { get; }

    public IPage Page { get; private set; } = null!;

    /// <summary>Bodies of the chat completions that the page has sent.</summary>
    public List<JsonElement> Requests { get; } = [];

    public ILocator Questions => Page.Locator(".message.user");

    public ILocator Answers => Page.Locator(".message.assistant");

    public ILocator LastAnswer => Answers.Last;

    /// <summary>
    /// Opens the page; <paramref name="models"/> stands in for the answer to <c>GET /v1/models</c>, <paramref name="key"/> is the server's.
    /// </summary>
    public static async Task<ChatPage> OpenAsync(
        Chromium chromium, int width = 1100, int height = 720, string? models = null, string? key = null,
        Action<GatewayHost>? arrange = null)
    {
        var context = await chromium.NewContextAsync(width, height);
        var page = new ChatPage(await GatewayHost.StartAsync(new() { ["ApiKey"] = key }, onSockets: true, arrange: arrange), context);
        context.SetDefaultTimeout(60_000);
        Assertions.SetDefaultExpectTimeout(60_000);
        if (models is not null)
            await context.RouteAsync("**/v1/models", route =>
                route.FulfillAsync(new() { ContentType = "application/json", Body = models }));
        await page.OpenTabAsync();
        return page;
    }

    /// <summary>Opens a tab of the same browser; the one before is closed.</summary>
    public async Task OpenTabAsync()
    {
        if (Page is not null)
            await Page.CloseAsync();
        Page = await _context.NewPageAsync();
        Page.PageError += (_, error) => _faults.Add(error);
        Page.Request += (_, request) =>
        {
            if (request.Url.EndsWith("/v1/chat/completions", StringComparison.Ordinal))
                Requests.Add(JsonElement.Parse(request.PostData!));
        };
        await Page.GotoAsync(Host.Http1.AbsoluteUri);
        await Assertions.Expect(Page.Locator("#model")).Not.ToHaveTextAsync("connecting…");
    }

    public async Task SendAsync(string question)
    {
        await Page.FillAsync("#prompt", question);
        await Page.PressAsync("#prompt", "Enter");
    }

    /// <summary>Sends a question and waits for the answer's end.</summary>
    public async Task AskAsync(string question)
    {
        await SendAsync(question);
        await EndAsync();
    }

    public async Task EndAsync()
    {
        await Assertions.Expect(LastAnswer.GetByText("Regenerate")).ToBeVisibleAsync();
        await Assertions.Expect(Page.Locator("#log")).ToHaveAttributeAsync("aria-busy", "false");
    }

    public async Task OpenSettingsAsync() => await Page.ClickAsync("#toggle-settings");

    /// <summary>Roles and texts of a request's messages.</summary>
    public static string Messages(JsonElement request) => string.Join('\n', request.GetProperty("messages").EnumerateArray()
        .Select(message => $"{message.GetProperty("role").GetString()}: {message.GetProperty("content").GetString()}"));

    public static Task HasTextAsync(ILocator place, string text) => Assertions.Expect(place).ToContainTextAsync(text);

    public static Task IsShownAsync(ILocator place) => Assertions.Expect(place).ToBeVisibleAsync();

    public static Task IsHiddenAsync(ILocator place) => Assertions.Expect(place).ToBeHiddenAsync();

    public static Task CountIsAsync(ILocator places, int count) => Assertions.Expect(places).ToHaveCountAsync(count);

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        await Host.DisposeAsync();
        Assert.Empty(_faults);
    }
}
