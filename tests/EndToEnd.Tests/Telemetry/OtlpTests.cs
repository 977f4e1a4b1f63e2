using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>With an address all three signals go there by OTLP, the last of them when the system stops.</summary>
[Collection(TelemetryCollection.Name)]
public sealed class OtlpTests
{
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _posts = new();

    [Fact]
    public async Task Signals_WithAnEndpoint_ArriveThere()
    {
        await using var sink = await StartSinkAsync();
        using var trace = new CallerTrace();
        await using (var system = await TracedSystem.StartAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", sink.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")))
        {
            await system.Chat.CollectAsync(Conversations.Ask("what is a zyqxwv token?", Scenario.Long(8)));
        }

        Assert.Equal(["/v1/logs", "/v1/metrics", "/v1/traces"], _posts.Select(post => post.Path).Distinct().Order());
        var id = Convert.FromHexString(trace.Id.ToHexString());
        Assert.True(Holds("/v1/traces", id));
        Assert.True(Holds("/v1/logs", id));
        Assert.True(Holds("/v1/traces", "chat traced"u8));
        Assert.True(Holds("/v1/metrics", "gen_ai.server.time_to_first_token"u8));
        Assert.True(Holds("/v1/metrics", id), "an exemplar names the trace");
        Assert.DoesNotContain(_posts, post => post.Body.AsSpan().IndexOf("zyqxwv"u8) >= 0);
    }

    private bool Holds(string path, ReadOnlySpan<byte> part)
    {
        foreach (var post in _posts)
        {
            if (post.Path == path && post.Body.AsSpan().IndexOf(part) >= 0)
                return true;
        }

        return false;
    }

    private async Task<WebApplication> StartSinkAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            _posts.Enqueue((context.Request.Path.Value!, body.ToArray()));
            context.Response.StatusCode = StatusCodes.Status200OK;
        });
        await app.StartAsync();
        return app;
    }
}
