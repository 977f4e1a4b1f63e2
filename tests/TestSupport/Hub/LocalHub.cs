using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Parley.TestSupport.Hub;

/// <summary>
/// A Hub on loopback, over real HTTP: the routes that a pull asks, large files on "another host" (the same server by another name), and
/// whatever fault a test wants.
/// </summary>
public sealed class LocalHub : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LocalHub(WebApplication app) => _app = app;

    /// <summary>Repositories by <c>org/name</c>, then by branch.</summary>
    public ConcurrentDictionary<(string Repository, string Revision), LocalRepository> Repositories { get; } = new();

    public ConcurrentQueue<HubRequest> Requests { get; } = new();

    /// <summary>Asked for every request; null is a right answer.</summary>
    public Func<HubRequest, HubFault?> Fault { get; set; } = _ => null;

    /// <summary>Bodies that stand in for the right ones; null is the right one.</summary>
    public Func<HubRequest, string?> Body { get; set; } = _ => null;

    /// <summary>Who may read; null is everybody.</summary>
    public string? Token { get; set; }

    public Uri Endpoint { get; private set; } = null!;

    public static async Task<LocalHub> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var hub = new LocalHub(builder.Build());
        hub._app.Run(hub.AnswerAsync);
        await hub._app.StartAsync();
        var address = hub._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        hub.Endpoint = new Uri(address);
        return hub;
    }

    public LocalRepository Add(string repository, string revision = "main", char commit = 'a')
    {
        var added = new LocalRepository(new string(commit, 40));
        Repositories[(repository, revision)] = added;
        return added;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        var request = new HubRequest(
            context.Request.Host.Host, path, context.Request.Headers.Range.ToString(), context.Request.Headers.Authorization.ToString())
        {
            Query = context.Request.QueryString.Value ?? "",
        };
        Requests.Enqueue(request);
        var fault = Fault(request);
        foreach (var (name, value) in fault?.Headers ?? [])
            context.Response.Headers[name] = value;
        if (fault?.Status is { } status)
        {
            context.Response.StatusCode = status;
            return;
        }

        if (Body(request) is { } body)
        {
            await context.Response.WriteAsync(body);
            return;
        }

        if (Token is not null && !path.StartsWith("/store/", StringComparison.Ordinal) && request.Authorization != $"Bearer {Token}")
        {
            Refuse(context, 401, "RepoNotFound");
            return;
        }

        if (path == "/api/models")
        {
            await context.Response.WriteAsJsonAsync(Search(context.Request.Query));
            return;
        }

        if (path == "/api/whoami-v2")
        {
            await context.Response.WriteAsJsonAsync(new { name = "somebody" });
            return;
        }

        await AnswerRepositoryAsync(context, path.Trim('/').Split('/'), fault);
    }

    private async Task AnswerRepositoryAsync(HttpContext context, string[] parts, HubFault? fault)
    {
        switch (parts)
        {
            case ["api", "models", var org, var name, "revision", var revision]:
                if (Repositories.TryGetValue(($"{org}/{name}", Uri.UnescapeDataString(revision)), out var branch))
                    await context.Response.WriteAsync($$"""{"id":"{{org}}/{{name}}","sha":"{{branch.Commit}}"}""");
                else
                    Refuse(context, 404, Knows($"{org}/{name}") ? "RevisionNotFound" : "RepoNotFound");
                return;
            case ["api", "models", var org, var name, "tree", var commit]:
                await context.Response.WriteAsync(Find($"{org}/{name}", commit)!.Tree());
                return;
            case ["store", var sha]:
                var stored = Repositories.Values.SelectMany(repository => repository.Files.Values)
                    .First(file => LocalRepository.Sha256(file.Bytes) == sha);
                await SendAsync(context, stored.Bytes, fault);
                return;
            case [var org, var model, "resolve", var commit, .. var file]
                when Find($"{org}/{model}", commit)?.Files.TryGetValue(string.Join('/', file), out var found) == true:
                context.Response.Headers["X-Repo-Commit"] = commit;
                var blob = found.IsLarge ? LocalRepository.Sha256(found.Bytes) : LocalRepository.GitId(found.Bytes);
                context.Response.Headers.ETag = $"\"{blob}\"";
                if (!found.IsLarge)
                {
                    await SendAsync(context, found.Bytes, fault);
                    return;
                }

                context.Response.Headers["X-Linked-Etag"] = context.Response.Headers.ETag;
                context.Response.Headers["X-Linked-Size"] = found.Bytes.Length.ToString(CultureInfo.InvariantCulture);
                context.Response.Redirect($"http://localhost:{Endpoint.Port}/store/{blob}");
                return;
            default:
                Refuse(context, 404, "EntryNotFound");
                return;
        }
    }

    /// <summary>Names that hold the words, the most downloaded first, as many as were asked for.</summary>
    private object[] Search(IQueryCollection query) =>
    [
        .. Repositories.Where(entry => entry.Key.Repository.Contains(query["search"].ToString(), StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(entry => entry.Value.Downloads).Take(int.Parse(query["limit"].ToString(), CultureInfo.InvariantCulture))
            .Select(entry => new
            {
                id = entry.Key.Repository,
                downloads = entry.Value.Downloads,
                lastModified = "2026-11-30T01:02:03.000Z",
                tags = entry.Value.Files.Keys.Any(file => file.EndsWith(".gguf", StringComparison.Ordinal))
                    ? new[] { "gguf", "text-generation" } : ["text-generation"],
            }),
    ];

    private bool Knows(string repository) => Repositories.Keys.Any(key => key.Repository == repository);

    private LocalRepository? Find(string repository, string commit) => Repositories
        .Where(entry => entry.Key.Repository == repository && entry.Value.Commit == commit).Select(entry => entry.Value).FirstOrDefault();

    private static void Refuse(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Error-Code"] = code;
    }

    private static async Task SendAsync(HttpContext context, byte[] bytes, HubFault? fault)
    {
        var (first, last) = (0L, bytes.Length - 1L);
        var header = context.Request.Headers.Range.ToString();
        if (fault?.Grow is { } grow and not 0)
            bytes = [.. bytes.Take(bytes.Length + Math.Min(grow, 0)), .. new byte[Math.Max(grow, 0)]];
        if (header.Length > 0 && fault?.IgnoreRange != true)
        {
            var bounds = header["bytes=".Length..].Split('-');
            first = long.Parse(bounds[0], CultureInfo.InvariantCulture) + (fault?.ShiftRange ?? 0);
            last = Math.Min(long.Parse(bounds[1], CultureInfo.InvariantCulture) + (fault?.ShiftRange ?? 0), bytes.Length - 1L);
            if (first >= bytes.Length)
            {
                context.Response.StatusCode = 416;
                return;
            }

            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {first}-{last}/{bytes.Length}");
        }
        else
        {
            last = bytes.Length - 1L;
        }

        var body = bytes[(int)first..(int)(last + 1)];
        if (fault?.Flip == true && body.Length > 0)
            body[0] ^= 0xFF;
        context.Response.ContentLength = body.Length;
        var sent = (int)Math.Min(fault?.CutAfter ?? fault?.StallAfter ?? body.Length, body.Length);
        await context.Response.Body.WriteAsync(body.AsMemory(0, sent));
        await context.Response.Body.FlushAsync();
        if (fault?.StallAfter is not null && sent < body.Length)
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        if (sent < body.Length)
            context.Abort();
    }
}
