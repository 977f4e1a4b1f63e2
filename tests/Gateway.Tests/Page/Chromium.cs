using Microsoft.Playwright;

namespace Parley.Gateway.Tests.Page;

/// <summary>One browser for a collection of tests: the installed Chromium. Nothing is downloaded; without one the tests skip.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private static readonly string[] Arguments =
        ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        var path = folders.SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
        if (path is null)
            return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions { ExecutablePath = path, Args = Arguments, Headless = true });
    }

    /// <summary>A browser profile of its own, with nothing stored; skips the running test where there is no browser.</summary>
    public async Task<IBrowserContext> NewContextAsync(int width = 1100, int height = 720)
    {
        Assert.SkipWhen(_browser is null, $"No browser is on the path ({string.Join(", ", Names)}).");
        return await _browser!.NewContextAsync(
            new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = width, Height = height } });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
