using Microsoft.Playwright;
using Parley.Gateway.Tests.ApiDescription;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Page;

/// <summary>The reference of the API in a browser: drawn of the document alone, with nothing from elsewhere.</summary>
[Collection(ChromiumCollection.Name)]
public sealed class ReferenceTests(Chromium chromium)
{
    [Theory]
    [InlineData(1100, ColorScheme.Light)]
    [InlineData(320, ColorScheme.Dark)]
    public async Task Reference_OfAServerWithAKey_ShowsEveryRouteAndAsksNobodyElse(int width, ColorScheme colours)
    {
        await using var context = await chromium.NewContextAsync(width);
        await using var host = await GatewayHost.StartAsync(new() { ["ApiKey"] = "secret-key" }, onSockets: true);
        using var http = new HttpClient { BaseAddress = host.Http1 };
        var api = await DescribedApi.ReadAsync(http);
        var (page, faults, addresses) = await OpenAsync(context, host, "reference", colours);

        var operations = page.Locator(".operation");
        await Assertions.Expect(operations).ToHaveCountAsync(api.Operations().Count());
        await Assertions.Expect(page.Locator("#contents li")).ToHaveCountAsync(api.Operations().Count());
        var shown = await page.Locator(".operation h3").AllTextContentsAsync();
        foreach (var (method, path, _) in api.Operations())
            Assert.Contains(shown, title => title.StartsWith(method + path, StringComparison.Ordinal));
        var fields = await page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('#createChatCompletion dt')].map(one => one.firstChild.data)");
        Assert.Empty(api.Properties("ChatCompletionRequest").Select(property => property.Key).Except(fields));
        Assert.Equal(width, await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        Assert.All(addresses, address => Assert.StartsWith(host.Http1.AbsoluteUri, address, StringComparison.Ordinal));
        Assert.Empty(faults);
    }

    [Fact]
    public async Task Filter_NameOfAField_LeavesTheRoutesThatHaveIt()
    {
        await using var context = await chromium.NewContextAsync();
        await using var host = await GatewayHost.StartAsync(onSockets: true);
        var (page, faults, _) = await OpenAsync(context, host, "reference", ColorScheme.Light);

        await page.FillAsync("#filter", "previous_response_id");

        await Assertions.Expect(page.Locator(".operation:visible").First).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#createResponse")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#ollamaChat")).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator("#found")).ToContainTextAsync("routes");
        Assert.Empty(faults);
    }

    [Fact]
    public async Task Link_ToASchema_OpensIt()
    {
        await using var context = await chromium.NewContextAsync();
        await using var host = await GatewayHost.StartAsync(onSockets: true);

        var (page, faults, _) = await OpenAsync(context, host, "reference#schema-ToolChoice", ColorScheme.Light);

        await Assertions.Expect(page.Locator("#schema-ToolChoice dt").First).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#schema-ToolChoice h3")).ToBeInViewportAsync();
        Assert.Empty(faults);
    }

    private static async Task<(IPage Page, List<string> Faults, List<string> Addresses)> OpenAsync(
        IBrowserContext context, GatewayHost host, string address, ColorScheme colours)
    {
        context.SetDefaultTimeout(60_000);
        Assertions.SetDefaultExpectTimeout(60_000);
        var page = await context.NewPageAsync();
        var (faults, addresses) = (new List<string>(), new List<string>());
        // What the policy forbids is told as an error on the console.
        page.Console += (_, message) => faults.AddRange(message.Type == "error" ? [message.Text] : Array.Empty<string>());
        page.PageError += (_, error) => faults.Add(error);
        page.Request += (_, request) => addresses.Add(request.Url);
        await page.EmulateMediaAsync(new() { ColorScheme = colours });
        await page.GotoAsync(new Uri(host.Http1, address).AbsoluteUri);
        await Assertions.Expect(page.Locator("#version")).ToContainTextAsync("version");
        await Assertions.Expect(page.Locator(".schema").First).ToBeAttachedAsync();
        return (page, faults, addresses);
    }
}
