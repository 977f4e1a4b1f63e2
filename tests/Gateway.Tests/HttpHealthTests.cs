using System.Net;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests;

public sealed class HttpHealthTests
{
    [Fact]
    public async Task Health_ServicesComeLater_TurnsFrom503To200()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Missing.Add("generator"));
        var http = host.Http();

        using var before = await http.GetAsync("/health");
        using var live = await http.GetAsync("/health/live");
        host.Missing.Clear();
        using var after = await http.GetAsync("/health");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK, HttpStatusCode.OK),
            (before.StatusCode, live.StatusCode, after.StatusCode));
        // The reason names no address: a probe's answer is seen by whoever asks.
        Assert.Equal("""{"status":"not ready","reason":"The model is not available at the moment."}""",
            await before.Content.ReadAsStringAsync());
        Assert.Equal("""{"status":"ready"}""", await after.Content.ReadAsStringAsync());
        Assert.Equal("""{"status":"live"}""", await live.Content.ReadAsStringAsync());
        Assert.Equal("application/json", after.Content.Headers.ContentType!.MediaType);
        Assert.True(after.Headers.CacheControl!.NoStore);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Health_TokenizersDiffer_SaysSo()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.Sha256 = "cc33");

        using var response = await host.Http().GetAsync("/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("different models", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/health/live")]
    public async Task Head_OfHealth_IsItsStatusAlone(string path)
    {
        await using var host = await GatewayHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Head, path);

        using var response = await host.Http().SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }
}
