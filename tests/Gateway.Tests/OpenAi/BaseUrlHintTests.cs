using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

public sealed class BaseUrlHintTests
{
    private static async Task<(int Status, string Message)> SendAsync(string method, string path)
    {
        await using var host = await GatewayHost.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await host.Http().SendAsync(request);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal("unknown_url", error.GetProperty("code").GetString());
        Assert.True(response.Headers.Contains("x-request-id"));
        return ((int)response.StatusCode, error.GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("POST", "/chat/completions", "/v1/chat/completions")]
    [InlineData("POST", "/chat/completions/", "/v1/chat/completions")]
    [InlineData("POST", "/v1/v1/chat/completions", "/v1/chat/completions")]
    [InlineData("POST", "/v1/chat/completions/chat/completions", "/v1/chat/completions")]
    [InlineData("POST", "/api/v1/chat/completions", "/v1/chat/completions")]
    [InlineData("POST", "/openai/v1/responses", "/v1/responses")]
    [InlineData("POST", "/openai/deployments/m/chat/completions?api-version=1", "/v1/chat/completions")]
    [InlineData("POST", "//v1/chat/completions", "/v1/chat/completions")]
    [InlineData("POST", "/completions", "/v1/completions")]
    [InlineData("GET", "/models", "/v1/models")]
    [InlineData("GET", "/v1/v1/models", "/v1/models")]
    public async Task Request_WrongBaseUrl_SaysWhereItBelongs(string method, string path, string target)
    {
        var (status, message) = await SendAsync(method, path);

        Assert.Equal(404, status);
        Assert.Contains("base URL", message, StringComparison.Ordinal);
        Assert.Contains("followed by /v1", message, StringComparison.Ordinal);
        Assert.EndsWith($"goes to {target}.", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/v1", "This is the base URL itself")]
    [InlineData("POST", "/v1/", "This is the base URL itself")]
    [InlineData("POST", "/v1/api/chat", "base URL is this server's address itself; this request then goes to /api/chat.")]
    [InlineData("GET", "/ollama/api/tags", "base URL is this server's address itself; this request then goes to /api/tags.")]
    [InlineData("POST", "/v1/v1/messages", "base URL is this server's address itself; this request then goes to /v1/messages.")]
    [InlineData("POST", "/anthropic/v1/messages/count_tokens", "this request then goes to /v1/messages/count_tokens.")]
    [InlineData("POST", "/", "a client's base URL ends in /v1")]
    [InlineData("POST", "/anything", "a client's base URL ends in /v1")]
    public async Task Request_OfNoRoute_IsToldTheBaseUrl(string method, string path, string said)
    {
        var (status, message) = await SendAsync(method, path);

        Assert.Equal(404, status);
        Assert.Contains(said, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_LongPath_IsRepeatedInPart()
    {
        var (_, message) = await SendAsync("GET", "/" + new string('a', 4000));

        Assert.True(message.Length < 300, message);
    }

    [Fact]
    public async Task Request_UnderV1WithoutARoute_HasNoAdviceOnTheBaseUrl()
    {
        var (_, message) = await SendAsync("POST", "/v1/images/generations");

        Assert.Equal("There is no POST /v1/images/generations here.", message);
    }
}
