using System.Net;
using System.Net.Http.Headers;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests;

public sealed class PageEndpointTests
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
    public async Task Get_EveryFileThePageNames_IsServed()
    {
        await using var host = await GatewayHost.StartAsync();
        var http = host.Http();
        var html = await http.GetStringAsync("/");
        var script = await http.GetStringAsync("/app.js");
        var names = System.Text.RegularExpressions.Regex.Matches(html + script, "(?:href|src|from)[= ]\"(?:\\./)?([a-z]+\\.[a-z]+)\"")
            .Select(match => match.Groups[1].Value).Distinct().ToArray();

        Assert.Contains("markdown.js", names);
        foreach (var name in names)
        {
            using var response = await http.GetAsync("/" + name);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.NotEqual("application/octet-stream", response.Content.Headers.ContentType!.MediaType);
        }
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

        foreach (var name in (string[])["app.js", "chat.js", "markdown.js", "settings.js"])
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
}
