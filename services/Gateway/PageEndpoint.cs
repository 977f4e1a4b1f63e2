using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Parley.Gateway;

/// <summary>
/// The chat page, and the reference of the API. Their files are embedded into the assembly, because the Gateway is also hosted inside other
/// processes, which have no wwwroot of ours beside them.
/// </summary>
internal sealed class PageEndpoint
{
    private const string Prefix = "wwwroot/";

    /// <summary>Nothing but our own files runs, loads or is called, and no other page may frame this one.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'";

    /// <summary>Pages by a shorter address.</summary>
    private static readonly Dictionary<string, string> Addresses = new() { ["/index.html"] = "/", ["/reference.html"] = "/reference" };

    private PageEndpoint(string contentType, byte[] content)
    {
        ContentType = contentType;
        Content = content;
        Tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 12))}\"");
    }

    private string ContentType { get; }

    private byte[] Content { get; }

    private EntityTagHeaderValue Tag { get; }

    public static void Map(WebApplication app)
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            var path = "/" + name[Prefix.Length..].Replace('\\', '/');
            var file = new PageEndpoint(ContentTypeOf(path), Read(assembly, name));
            app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], file.WriteAsync).AllowAnonymous();
            if (Addresses.TryGetValue(path, out var address))
                app.MapMethods(address, [HttpMethods.Get, HttpMethods.Head], file.WriteAsync).AllowAnonymous();
        }
    }

    private async Task WriteAsync(HttpContext context)
    {
        // Programs that ask whether anything runs here, as Ollama's do, are told in a line.
        if (context.Request.Path == "/" && context.Request.Headers.Accept is [{ Length: > 0 } accept]
            && !accept.Contains("text/html", StringComparison.OrdinalIgnoreCase) && !accept.Contains("*/*", StringComparison.Ordinal))
        {
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync("Parley is running", context.RequestAborted);
            return;
        }

        var headers = context.Response.GetTypedHeaders();
        headers.ETag = Tag;
        // The browser asks each time, and is told that nothing has changed: a new version is never mixed with an old one.
        headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
        context.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        if (context.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Compare(Tag, useStrongComparison: false)))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        context.Response.ContentType = ContentType;
        context.Response.ContentLength = Content.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.BodyWriter.WriteAsync(Content, context.RequestAborted);
    }

    private static byte[] Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private static string ContentTypeOf(string path) => Path.GetExtension(path) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
}
