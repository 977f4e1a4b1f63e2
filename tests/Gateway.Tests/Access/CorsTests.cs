using System.Net;
using Microsoft.Extensions.Options;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Access;

public sealed class CorsTests
{
    private const string Origin = "https://chat.example.com";

    private static HttpRequestMessage Preflight(string origin, string path = "/v1/chat/completions", string headers = "authorization")
    {
        var request = new HttpRequestMessage(HttpMethod.Options, path);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", headers);
        return request;
    }

    private static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : "";

    [Theory]
    [InlineData(null)]
    [InlineData("https://other.example.com")]
    [InlineData("http://chat.example.com")]
    [InlineData("https://chat.example.com:8443")]
    public async Task Preflight_OriginNotListed_IsRefused(string? listed)
    {
        await using var host = await GatewayHost.StartAsync(listed is null ? null : new() { ["CorsOrigins:0"] = listed });

        using var response = await host.Http().SendAsync(Preflight(Origin));

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(Header(response, "Access-Control-Allow-Origin"));
        Assert.Contains("Gateway:CorsOrigins", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CorsOrigins:0", Origin, Origin)]
    [InlineData("CorsOrigins:1", Origin, Origin)]
    [InlineData("CorsOrigins", "http://localhost:3000, " + Origin, Origin)]
    [InlineData("CorsOrigins:0", "*", "*")]
    public async Task Preflight_OriginListed_Is204EvenWithAKey(string option, string value, string allowed)
    {
        await using var host = await GatewayHost.StartAsync(new() { [option] = value, ["ApiKey"] = "key" });

        using var response = await host.Http().SendAsync(Preflight(Origin, headers: "authorization,content-type,x-stainless-os"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(allowed, Header(response, "Access-Control-Allow-Origin"));
        Assert.Contains("POST", Header(response, "Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.All((string[])["authorization", "content-type", "x-stainless-os"],
            name => Assert.Contains(name, Header(response, "Access-Control-Allow-Headers"), StringComparison.OrdinalIgnoreCase));
        Assert.Empty(Header(response, "Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task Preflight_GrpcWeb_AllowsItsHeaders()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["CorsOrigins:0"] = Origin });

        using var response = await host.Http().SendAsync(Preflight(
            Origin, "/parley.gateway.v1.ChatCompletion/Complete", "content-type,x-grpc-web,x-user-agent,grpc-timeout"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.All((string[])["x-grpc-web", "x-user-agent", "grpc-timeout"],
            name => Assert.Contains(name, Header(response, "Access-Control-Allow-Headers"), StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("/v1/models", 200)]
    [InlineData("/v1/nothing", 404)]
    public async Task Answer_ToAListedOrigin_ExposesWhatClientsRead(string path, int status)
    {
        await using var host = await GatewayHost.StartAsync(new() { ["CorsOrigins"] = Origin + ",http://localhost:3000" });
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Origin", Origin);

        using var response = await host.Http().SendAsync(request);

        var exposed = Header(response, "Access-Control-Expose-Headers");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(Origin, Header(response, "Access-Control-Allow-Origin"));
        Assert.Contains("Origin", Header(response, "Vary"), StringComparison.OrdinalIgnoreCase);
        Assert.All((string[])["x-request-id", "retry-after", "x-parley-ignored-fields", "grpc-status", "grpc-status-details-bin"],
            name => Assert.Contains(name, exposed, StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("https://chat.example.com/")]
    [InlineData("chat.example.com")]
    [InlineData("https://*.example.com")]
    [InlineData("https://chat.example.com/app")]
    public async Task Start_EntryThatIsNoOrigin_FailsNamingIt(string entry)
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => GatewayHost.StartAsync(new() { ["CorsOrigins:0"] = entry }));

        Assert.Contains($"Gateway:CorsOrigins: '{entry}' is no origin", fault.Message, StringComparison.Ordinal);
    }
}
