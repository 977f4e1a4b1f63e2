using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>Reads a JSON body under the Gateway's own limit, which counts what was sent and what it unpacks to.</summary>
internal static class RequestBody
{
    private const int ReadBytes = 16 * 1024;

    // Far more than any field allows, so that the field with too deep a nesting is refused by its own name.
    public const int DepthMax = 1024;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = DepthMax };

    /// <summary>The body as JSON; the caller disposes it.</summary>
    /// <exception cref="OpenAiException">415, 413, or 400 with the position of the fault.</exception>
    /// <param name="context">The request.</param>
    /// <param name="bytesMax">Its limit.</param>
    /// <param name="anyType">Whether programs, which send no Origin, may call the body what they like.</param>
    public static async Task<JsonDocument> ReadAsync(HttpContext context, int bytesMax, bool anyType = false)
    {
        // Only this type: a page of another origin cannot send it without the browser's asking first.
        if (!context.Request.HasJsonContentType() && !(anyType && context.Request.Headers.Origin.Count == 0))
            throw Unsupported("The body must be JSON, with Content-Type: application/json.", code: null);
        CheckCharset(context.Request.ContentType);
        var decode = ContentDecoding.For(context);
        if (context.Request.ContentLength > bytesMax)
            throw TooLarge(bytesMax);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = null;
        var sent = await ReadSentAsync(context, bytesMax);
        return Parse(decode is null ? sent : await UnpackAsync(sent, decode, bytesMax, context.RequestAborted));
    }

    private static async Task<byte[]> ReadSentAsync(HttpContext context, int bytesMax)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > bytesMax)
                throw TooLarge(bytesMax);
            if (read.IsCompleted)
            {
                // A document of its own bytes: the reader must be given its buffer back, or Kestrel cannot end the request.
                var bytes = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Stops at the limit, so a small body that unpacks to a huge one costs no more than an honest one.</summary>
    private static async Task<byte[]> UnpackAsync(
        byte[] sent, Func<Stream, Stream> decode, int bytesMax, CancellationToken cancellationToken)
    {
        using var source = new MemoryStream(sent);
        await using var unpacked = decode(source);
        using var target = new MemoryStream();
        var part = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            while (await unpacked.ReadAsync(part, cancellationToken) is > 0 and var count)
            {
                if (target.Length + count > bytesMax)
                    throw TooLarge(bytesMax);
                target.Write(part, 0, count);
            }

            return target.ToArray();
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException or IOException)
        {
            throw new OpenAiException(OpenAiError.Invalid(
                "The body is not what its Content-Encoding says: it is broken or cut off.", code: "invalid_encoding"));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(part);
        }
    }

    private static void CheckCharset(string? contentType)
    {
        var charset = MediaTypeHeaderValue.TryParse(contentType, out var type) ? type.CharSet?.Trim('"') : null;
        if (charset is null or "" || charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            || charset.Equals("utf8", StringComparison.OrdinalIgnoreCase) || charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase))
            return;
        var shown = charset.Length <= 40 ? charset : charset[..40] + "…";
        throw Unsupported($"The body must be in UTF-8, not in '{shown}'.", "unsupported_charset");
    }

    private static JsonDocument Parse(byte[] bytes)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        var start = bytes.AsSpan().StartsWith(mark) ? mark.Length : 0;
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            throw new OpenAiException(OpenAiError.Invalid("The body is in UTF-16; send UTF-8.", code: "invalid_json"));
        try
        {
            if (JsonText.FindBrokenText(bytes.AsSpan(start)) is { } broken)
            {
                throw new OpenAiException(OpenAiError.Invalid(
                    $"The body holds text that is not valid Unicode, in what begins at byte {broken + 1}.", code: ErrorCodes.InvalidJson));
            }

            return JsonDocument.Parse(bytes.AsMemory(start), Options);
        }
        catch (JsonException exception)
        {
            var position = exception.LineNumber is { } line ? $" at line {line + 1}, byte {exception.BytePositionInLine + 1}" : "";
            var cause = exception.Message.Split(" LineNumber:", 2)[0];
            throw new OpenAiException(OpenAiError.Invalid($"The body is not valid JSON{position}: {cause}", code: ErrorCodes.InvalidJson));
        }
    }

    private static OpenAiException Unsupported(string message, string? code) =>
        new(OpenAiError.Invalid(message, code: code) with { Status = StatusCodes.Status415UnsupportedMediaType });

    private static OpenAiException TooLarge(int bytesMax) => new(new OpenAiError(
        StatusCodes.Status413PayloadTooLarge, "invalid_request_error", ErrorCodes.RequestTooLarge, null,
        $"The body must not exceed {bytesMax} bytes (Gateway:BodyBytesMax)."));
}
