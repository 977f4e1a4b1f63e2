using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Parley.Aspire.Tests;

/// <summary>Receives what goes to the dashboard, by OTLP over HTTP.</summary>
internal sealed class TelemetrySink : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _posts = new();
    private WebApplication? _app;

    public string Address => _app!.Urls.Single();

    public static async Task<TelemetrySink> StartAsync()
    {
        var sink = new TelemetrySink();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        sink._app = builder.Build();
        sink._app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            sink._posts.Enqueue((context.Request.Path.Value!, body.ToArray()));
            context.Response.StatusCode = StatusCodes.Status200OK;
        });
        await sink._app.StartAsync();
        return sink;
    }

    /// <summary>Whether one post of a signal holds all the parts.</summary>
    public bool Holds(string path, params byte[][] parts) =>
        _posts.Any(post => post.Path == path && parts.All(part => post.Body.AsSpan().IndexOf(part) >= 0));

    public async ValueTask DisposeAsync() => await _app!.DisposeAsync();
}
