using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Parley.Gateway.Access;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Gateway.Tests.Access;

/// <summary>Which headers hold a key, what else is sent as one, and what is open without any.</summary>
public sealed class CredentialTests
{
    private static Task<GatewayHost> StartAsync() => GatewayHost.StartAsync(new() { ["Keys:alice:Hash"] = KeyHash.Of("key-a") });

    private static async Task<HttpResponseMessage> AskAsync(GatewayHost host, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await host.Http().SendAsync(request);
    }

    [Theory]
    [InlineData("Authorization", "Bearer key-a", null, null, 200)]
    [InlineData("x-api-key", "key-a", null, null, 200)]
    [InlineData("X-Api-Key", " key-a ", null, null, 200)]
    [InlineData("x-api-key", "key-a", "Authorization", "Bearer other", 200)]
    [InlineData("x-api-key", "other", "Authorization", "Bearer key-a", 200)]
    [InlineData("x-api-key", "key-b", null, null, 401)]
    [InlineData("x-api-key", "Bearer key-a", null, null, 401)]
    [InlineData("x-api-key", "", null, null, 401)]
    [InlineData("Authorization", "key-a", null, null, 401)]
    [InlineData("Authorization", "Bearer key-a", "Authorization", "Bearer key-a", 401)]
    [InlineData("x-api-key", "key-a", "x-api-key", "key-a", 401)]
    public async Task Key_InTheHeadersOfEachClient_IsFound(string name, string value, string? second, string? secondValue, int status)
    {
        await using var host = await StartAsync();

        using var response = await AskAsync(host, second is null ? [(name, value)] : [(name, value), (second, secondValue!)]);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.DoesNotContain(host.Logs.Entries, line => line.Contains("key-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Key_AsMetadata_IsFoundToo()
    {
        await using var host = await StartAsync();
        var chat = new Tokenizer.V1.Chat { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } };

        using var call = host.Client().Complete(new CompleteRequest { Chat = chat }, new Metadata { { "x-api-key", "key-a" } });

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
    }

    /// <summary>Whatever stands in the two headers is refused as no key, and never ours to answer for.</summary>
    [Fact]
    public async Task Headers_OfAnyBytes_Are401()
    {
        await using var host = await StartAsync();
        var http = host.Http();
        var random = new Random(20261130);
        string[] beginnings = ["", "Bearer ", "bearer  ", "Basic ", "Bearer eyJ.", "Bearer\t", "Bearer Bearer ", ",", "\""];
        for (var i = 0; i < 300; i++)
        {
            var letters = Enumerable.Range(0, random.Next(0, 700)).Select(_ => (char)random.Next(' ', i % 10 == 0 ? 0x17F : 0x7F));
            var value = beginnings[random.Next(beginnings.Length)] + string.Concat(letters);
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new ByteArrayContent([]) };
            if (i % 3 != 1)
                request.Headers.TryAddWithoutValidation("Authorization", value);
            if (i % 3 != 2)
                request.Headers.TryAddWithoutValidation("x-api-key", value);
            using var response = await http.SendAsync(request);
            Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{response.StatusCode} for '{value}'");
        }

        host.Logs.AssertNoErrors();
    }

    /// <summary>Everything else asks for a key, and so does whatever is added without thinking of it.</summary>
    [Fact]
    public async Task Endpoints_ThatNeedNoKey_AreThese()
    {
        await using var host = await StartAsync();

        var open = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            .Select(endpoint => endpoint.RoutePattern.RawText!).Distinct().Order(StringComparer.Ordinal).ToList();

        string[] health = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/health", "/health/live"];
        string[] reference = ["/reference", "/reference.css", "/reference.html"];
        // The last two are gRPC's answer to a wrong address, UNIMPLEMENTED.
        string[] unknown = ["grpc.health.v1.Health/{unimplementedMethod:grpcunimplemented}",
            "{unimplementedService}/{unimplementedMethod:grpcunimplemented}"];
        Assert.Equal(
            ["/", .. health, "/index.html", "/openapi.json", .. reference, "/style.css", "/{**path}", .. unknown],
            open.Where(path => !path.EndsWith(".js", StringComparison.Ordinal) && !path.EndsWith(".svg", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Caller_InMetrics_IsNamedByItsKey()
    {
        var seen = new ConcurrentBag<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Name.StartsWith("parley.gateway.caller.", StringComparison.Ordinal))
                listening.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            seen.Add($"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}: {value}"));
        listener.Start();
        await using var host = await GatewayHost.StartAsync(
            new() { ["Keys:measured:Hash"] = KeyHash.Of("key-a"), ["Limits:default:Models"] = "others", ["CallerNamesMax"] = "1" });

        using var served = await AskAsync(host, ("x-api-key", "key-a"));
        using var refused = await AskAsync(host, ("x-api-key", "key-b"));
        using var denied = await host.Http().SendAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Headers = { { "x-api-key", "key-a" } },
            Content = JsonContent.Create(new { messages = new[] { new { role = "user", content = "Hi" } } }),
        });

        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        Assert.Contains("parley.gateway.caller.requests parley.caller.name=measured parley.outcome=admitted: 1", seen);
        Assert.Contains("parley.gateway.caller.requests parley.caller.name=measured parley.outcome=denied: 1", seen);
        Assert.Contains("parley.gateway.caller.requests parley.caller.name=none parley.outcome=unauthenticated: 1", seen);
    }

    [Fact]
    public async Task Tokens_InMetrics_AreThoseOfPromptAndAnswer()
    {
        var seen = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Name == "parley.gateway.caller.tokens")
                listening.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            seen.AddOrUpdate(string.Join(' ', tags.ToArray().Select(tag => $"{tag.Value}")), value, (_, before) => before + value));
        listener.Start();
        await using var host = await GatewayHost.StartAsync(new() { ["Keys:spender:Hash"] = KeyHash.Of("key-a") });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Headers = { { "x-api-key", "key-a" } },
            Content = JsonContent.Create(new { messages = new[] { new { role = "user", content = "Hi" } } }),
        };

        using var served = await host.Http().SendAsync(request);
        await host.AssertIdleAsync();

        Assert.Equal((HttpStatusCode.OK, 8, 13), (served.StatusCode, seen["spender input"], seen["spender output"]));
    }
}
