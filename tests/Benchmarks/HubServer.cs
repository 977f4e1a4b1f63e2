using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Parley.Benchmarks;

/// <summary>
/// A Hub on loopback with one repository: the files of a folder and of its folders, those from 1 MB on as large ones, at a chosen speed.
/// </summary>
internal sealed class HubServer : IAsyncDisposable
{
    public const string Repository = "org/model";

    private const int LargeBytes = 1_000_000;
    private const int BufferBytes = 256 << 10;
    private static readonly string Commit = new('a', 40);

    private readonly WebApplication _app;
    private readonly HubThrottle _throttle;
    private long _firstRequest;
    private readonly Dictionary<string, (string Path, long Bytes, string GitId, string? Sha256)> _files;

    private HubServer(WebApplication app, string folder, double bytesPerSecond)
    {
        (_app, _throttle) = (app, new HubThrottle(bytesPerSecond));
        _files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(
            path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'), Describe, StringComparer.Ordinal);
    }

    public string Endpoint => _app.Urls.Single();

    /// <summary>When the first request since the last <see cref="Forget"/> came.</summary>
    public long FirstRequestTimestamp => Volatile.Read(ref _firstRequest);

    /// <summary>Takes the next request for the first.</summary>
    public void Forget() => Volatile.Write(ref _firstRequest, 0);

    /// <summary>Serves a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="port">Its port; 0 is one that is free.</param>
    /// <param name="bytesPerSecond">Over all connections together; infinity is as fast as it goes.</param>
    public static async Task<HubServer> StartAsync(string folder, int port, double bytesPerSecond)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        var server = new HubServer(builder.Build(), folder, bytesPerSecond);
        server._app.Run(server.AnswerAsync);
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static (string Path, long Bytes, string GitId, string? Sha256) Describe(string path)
    {
        using var file = File.OpenRead(path);
        var large = file.Length >= LargeBytes;
        var start = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Length}\0"));
        var git = SHA1.HashData(large ? Encoding.UTF8.GetBytes(path) : [.. start, .. File.ReadAllBytes(path)]);
        return (path, file.Length, Convert.ToHexStringLower(git), large ? Convert.ToHexStringLower(SHA256.HashData(file)) : null);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.CompareExchange(ref _firstRequest, Stopwatch.GetTimestamp(), 0);
        var path = context.Request.Path.Value!.Trim('/');
        if (path.StartsWith($"api/models/{Repository}/revision/", StringComparison.Ordinal) || path == $"api/models/{Repository}")
        {
            var siblings = _files.Keys.Select(file => new { rfilename = file });
            await context.Response.WriteAsJsonAsync(new { id = Repository, sha = Commit, siblings, gated = false, @private = false });
        }
        else if (path.StartsWith($"api/models/{Repository}/tree/", StringComparison.Ordinal))
        {
            await context.Response.WriteAsJsonAsync(_files.Select(file => file.Value.Sha256 is { } sha
                ? (object)new
                {
                    type = "file",
                    path = file.Key,
                    size = file.Value.Bytes,
                    oid = file.Value.GitId,
                    lfs = new { oid = sha, size = file.Value.Bytes, pointerSize = 134 }
                }
                : new { type = "file", path = file.Key, size = file.Value.Bytes, oid = file.Value.GitId }));
        }
        else if (path.Split('/') is ["store", var sha]
            && _files.Values.FirstOrDefault(file => file.Sha256 == sha) is { Path: not null } stored)
        {
            await AnswerFileAsync(context, path, stored);
        }
        else if (path.StartsWith($"{Repository}/resolve/", StringComparison.Ordinal)
            && _files.TryGetValue(string.Join('/', path.Split('/').Skip(4)), out var found))
        {
            await AnswerFileAsync(context, path, found);
        }
        else
        {
            context.Response.StatusCode = 404;
            context.Response.Headers["X-Error-Code"] = "EntryNotFound";
        }
    }

    private async Task AnswerFileAsync(HttpContext context, string path, (string Path, long Bytes, string GitId, string? Sha256) file)
    {
        context.Response.Headers["X-Repo-Commit"] = Commit;
        context.Response.Headers.ETag = $"\"{file.Sha256 ?? file.GitId}\"";
        if (file.Sha256 is not null && !path.StartsWith("store/", StringComparison.Ordinal))
        {
            context.Response.Headers["X-Linked-Etag"] = context.Response.Headers.ETag;
            context.Response.Headers["X-Linked-Size"] = file.Bytes.ToString(CultureInfo.InvariantCulture);
            // Another name of the same machine stands for the store of large files.
            context.Response.Redirect($"http://localhost:{context.Request.Host.Port}/store/{file.Sha256}");
            return;
        }

        await SendAsync(context, file.Path, file.Bytes);
    }

    private async Task SendAsync(HttpContext context, string path, long bytes)
    {
        var (first, last) = (0L, bytes - 1);
        if (context.Request.Headers.Range.ToString() is { Length: > 6 } range)
        {
            var bounds = range["bytes=".Length..].Split('-');
            first = long.Parse(bounds[0], CultureInfo.InvariantCulture);
            last = bounds[1].Length > 0 ? Math.Min(long.Parse(bounds[1], CultureInfo.InvariantCulture), last) : last;
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {first}-{last}/{bytes}");
        }

        context.Response.ContentLength = last + 1 - first;
        if (HttpMethods.IsHead(context.Request.Method))
            return;
        using var file = File.OpenHandle(path);
        var buffer = new byte[BufferBytes];
        for (var offset = first; offset <= last;)
        {
            var read = await RandomAccess.ReadAsync(
                file, buffer.AsMemory(0, (int)Math.Min(buffer.Length, last + 1 - offset)), offset, context.RequestAborted);
            await _throttle.PassAsync(read, context.RequestAborted);
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            offset += read;
        }
    }
}
