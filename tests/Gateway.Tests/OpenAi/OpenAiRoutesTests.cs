using System.Net;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

public sealed class OpenAiRoutesTests
{
    [Theory]
    [InlineData("GET", "/v1/nothing", 404, "There is no GET /v1/nothing here.")]
    [InlineData("GET", "/v1/chat/completions", 405, "takes POST, not GET")]
    [InlineData("DELETE", "/v1/models", 405, "takes GET, HEAD, not DELETE")]
    [InlineData("GET", "/v1/models/other", 404, "'other' is not served here; the model is 'fake'")]
    public async Task Request_WrongRoute_IsAnErrorInOpenAisShape(string method, string path, int status, string message)
    {
        await using var host = await GatewayHost.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await host.Http().SendAsync(request);

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Models_OneModel_IsListedAndFound()
    {
        await using var host = await GatewayHost.StartAsync();

        var list = JsonDocument.Parse(await host.Http().GetStringAsync("/v1/models")).RootElement;
        var one = JsonDocument.Parse(await host.Http().GetStringAsync("/v1/models/fake")).RootElement;

        Assert.Equal("fake", list.GetProperty("data")[0].GetProperty("id").GetString());
        Assert.Equal(list.GetProperty("data")[0].GetRawText(), one.GetRawText());
        Assert.Equal(10_000, one.GetProperty("max_model_len").GetInt32());
    }

    [Fact]
    public async Task Models_NoServices_Is503NamingBothInTheLogOnly()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Missing.UnionWith(["tokenizer", "generator"]));

        using var response = await host.Http().GetAsync("/v1/models");

        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("\"The model is not available at the moment.\"", text, StringComparison.Ordinal);
        Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
        Assert.Contains(host.Logs.Entries, line => line.Contains("The Tokenizer at http://tokenizer", StringComparison.Ordinal)
            && line.Contains("The Generator at http://generator", StringComparison.Ordinal));
    }
}
