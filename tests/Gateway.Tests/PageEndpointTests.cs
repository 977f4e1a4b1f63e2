using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests;

public sealed partial class PageEndpointTests
{
    [Fact]
    public async Task Get_Root_IsThePageUnderAStrictPolicy()
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await host.Http().GetAsync("/");

        var html = await response.Content.ReadAsStringAsync();
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Equal("text/html", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("<title>Parley</title>", html, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'; script-src 'self';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task Get_EveryFileThePageNames_IsServedAndNoOtherIsThere()
    {
        await using var host = await GatewayHost.StartAsync();
        var http = host.Http();
        var names = new Queue<string>(["index.html"]);
        var seen = new HashSet<string>();
        while (names.TryDequeue(out var name))
        {
            if (!seen.Add(name))
                continue;
            using var response = await http.GetAsync("/" + name);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.NotEqual("application/octet-stream", response.Content.Headers.ContentType!.MediaType);
            foreach (var match in Names().Matches(await response.Content.ReadAsStringAsync()).Cast<Match>())
                names.Enqueue(match.Groups[1].Value);
        }

        Assert.Equal(Files().Append("openapi.json").Order(), seen.Order());
    }

    [Fact]
    public async Task Get_WithTheTag_IsNotModified()
    {
        await using var host = await GatewayHost.StartAsync();
        var http = host.Http();
        using var first = await http.GetAsync("/app.js");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/app.js");
        request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse(first.Headers.ETag!.ToString()));

        using var second = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.True(first.Headers.CacheControl!.NoCache);
    }

    [Fact]
    public async Task Files_Scripts_NeverWriteMarkup()
    {
        await using var host = await GatewayHost.StartAsync();
        var http = host.Http();

        foreach (var name in Files().Where(name => name.EndsWith(".js", StringComparison.Ordinal)))
        {
            var text = await http.GetStringAsync("/" + name);
            Assert.DoesNotContain("innerHTML", text, StringComparison.Ordinal);
            Assert.DoesNotContain("insertAdjacentHTML", text, StringComparison.Ordinal);
        }

        var html = await http.GetStringAsync("/");
        Assert.DoesNotContain("http://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("style=", html, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Files() => typeof(PageEndpoint).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith("wwwroot/", StringComparison.Ordinal)).Select(name => name["wwwroot/".Length..]);

    [GeneratedRegex("(?:href|src|from)[= ]\"(?:\\./)?([a-z]+\\.[a-z]+)\"")]
    private static partial Regex Names();
}
