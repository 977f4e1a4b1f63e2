using System.Text.Json.Nodes;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>The document has every route that the Gateway maps, and no other.</summary>
public sealed class RouteTests
{
    [Fact]
    public async Task Document_EveryMappedRoute_IsThereAndNoOther()
    {
        await using var host = await GatewayHost.StartAsync();
        var api = await DescribedApi.ReadAsync(host.Http());
        var files = typeof(PageEndpoint).Assembly.GetManifestResourceNames()
            .Select(name => name.Replace("wwwroot/", "/", StringComparison.Ordinal));
        var described = api.Operations().Select(one => $"{one.Method} {one.Path}").ToList();

        var mapped = Mapped(host.Services).Where(route => !files.Contains(route.Path)).ToHashSet();

        var isRead = mapped.Where(route => route.Method == "GET").Select(route => route.Path).ToHashSet();
        // HEAD answers as GET does, wherever that is.
        var expected = mapped.Where(route => route.Method != "HEAD" || !isRead.Contains(route.Path))
            .Select(route => $"{route.Method} {route.Path}");
        Assert.True(described.Count > 30, "The document has hardly any routes.");
        Assert.Equal(expected.Order(), described.Order());
    }

    [Fact]
    public async Task Document_EveryOperation_SaysWhetherItAsksForAKey()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["ApiKey"] = "secret-key" });
        var api = await DescribedApi.ReadAsync(host.Http());
        var faults = new List<string>();

        foreach (var (method, path, operation) in api.Operations())
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), string.Concat(path.Split('{', '}')));
            using var response = await host.Http().SendAsync(request);
            var isOpen = operation["security"] is JsonArray { Count: 0 };
            if (isOpen == ((int)response.StatusCode == 401))
                faults.Add($"{method} {path} answers {(int)response.StatusCode}");
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task Document_EveryReference_LeadsSomewhereAndEveryComponentIsReferredTo()
    {
        await using var host = await GatewayHost.StartAsync();
        var api = await DescribedApi.ReadAsync(host.Http());
        var references = References(api.Document).ToHashSet();

        foreach (var reference in references)
        {
            var found = reference.Split('/').Skip(1).Aggregate((JsonNode?)api.Document, (node, name) => node?[name]);
            Assert.True(found is not null, reference);
        }

        var components = api.Document["components"]!.AsObject().Where(kind => kind.Key != "securitySchemes")
            .SelectMany(kind => kind.Value!.AsObject().Select(one => $"#/components/{kind.Key}/{one.Key}"));
        Assert.Equal(components.Order(), references.Order());
    }

    [Theory]
    [InlineData("Ignore", "read over")]
    [InlineData("Refuse", "refused")]
    public async Task Document_SettingsOfTheServer_AreThere(string unknown, string words)
    {
        await using var host = await GatewayHost.StartAsync(
            new() { ["TopLogprobsMax"] = "3", ["StopsMax"] = "2", ["UnknownFields"] = unknown });

        var api = await DescribedApi.ReadAsync(host.Http());

        Assert.Equal(3, (int)api.Properties("ChatCompletionRequest")["top_logprobs"]!["maximum"]!);
        Assert.Contains("\"maxItems\":2", api.Properties("ChatCompletionRequest")["stop"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains(words, (string)api.Document["info"]!["description"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Document_EveryMethodAndHeader_IsForPagesOfAllowedOriginsToo()
    {
        const string origin = "https://chat.example.com";
        await using var host = await GatewayHost.StartAsync(new() { ["CorsOrigins"] = origin });
        var api = await DescribedApi.ReadAsync(host.Http());
        using var asked = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { { "Origin", origin } } };

        using var answer = await host.Http().SendAsync(asked);

        var told = string.Concat(answer.Headers.GetValues("Access-Control-Expose-Headers")).Split(',');
        Assert.Empty(api.Document["components"]!["headers"]!.AsObject().Select(header => header.Key)
            .Except(told, StringComparer.OrdinalIgnoreCase));
        foreach (var method in api.Operations().Select(one => one.Method).Distinct())
        {
            using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/responses/resp_1")
            {
                Headers = { { "Origin", origin }, { "Access-Control-Request-Method", method } },
            };
            using var allowed = await host.Http().SendAsync(preflight);
            Assert.Contains(method, string.Concat(allowed.Headers.GetValues("Access-Control-Allow-Methods")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Get_WithTheTag_IsNotModified()
    {
        await using var host = await GatewayHost.StartAsync();
        using var first = await host.Http().GetAsync("/openapi.json");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi.json");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);

        using var second = await host.Http().SendAsync(request);

        Assert.Equal("application/json", first.Content.Headers.ContentType!.MediaType);
        Assert.Equal(System.Net.HttpStatusCode.NotModified, second.StatusCode);
    }

    /// <summary>Routes with a method of their own: what answers every other method, or every other address, has none.</summary>
    private static IEnumerable<(string Method, string Path)> Mapped(IServiceProvider services) =>
        from endpoint in services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        where endpoint.Metadata.GetMetadata<GrpcMethodMetadata>() is null
            && !endpoint.RoutePattern.RawText!.Contains("grpc", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        select (method, endpoint.RoutePattern.RawText!.Replace("{**id}", "{id}", StringComparison.Ordinal));

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject parent => parent.SelectMany(member => member.Key == "$ref" ? [(string)member.Value!] : References(member.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };
}
