using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ApiDescription;

/// <summary>
/// <c>GET /openapi.json</c>. Open to everyone, as the page is: it says what any copy of this program says, and the limits of this one.
/// </summary>
internal sealed class ApiDocumentEndpoint
{
    private readonly byte[] _content;
    private readonly EntityTagHeaderValue _tag;

    public ApiDocumentEndpoint(IOptions<GatewayOptions> options)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
            ApiDocument.Write(options.Value).WriteTo(json);
        _content = buffer.ToArray();
        _tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(_content).AsSpan(0, 12))}\"");
    }

    public static void Map(WebApplication app) => app
        .MapMethods("/openapi.json", [HttpMethods.Get, HttpMethods.Head], OpenAiRoutes.Endpoint<ApiDocumentEndpoint>(
            (document, context) => document.HandleAsync(context)))
        .AllowAnonymous();

    private async Task HandleAsync(HttpContext context)
    {
        var headers = context.Response.GetTypedHeaders();
        headers.ETag = _tag;
        headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (context.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Compare(_tag, useStrongComparison: false)))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = _content.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.BodyWriter.WriteAsync(_content, context.RequestAborted);
    }
}
