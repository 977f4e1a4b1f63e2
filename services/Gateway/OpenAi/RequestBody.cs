using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Parley.Gateway.OpenAi;

/// <summary>Reads a JSON body under the Gateway's own limit.</summary>
internal static class RequestBody
{
    // Far more than any field allows, so that the field with too deep a nesting is refused by its own name.
    private const int DepthMax = 1024;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = DepthMax };

    /// <summary>The body as JSON; the caller disposes it.</summary>
    /// <exception cref="OpenAiException">415, 413, or 400 with the position of the fault.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext context, int bytesMax)
    {
        // Only this type: a page of another origin cannot send it without the browser's asking first.
        if (!context.Request.HasJsonContentType())
            throw new OpenAiException(
                OpenAiError.Invalid("The body must be JSON, with Content-Type: application/json.") with { Status = 415 });
        if (context.Request.ContentLength > bytesMax)
            throw TooLarge(bytesMax);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = null;
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
                return Parse(bytes);
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static JsonDocument Parse(byte[] bytes)
    {
        try
        {
            return JsonDocument.Parse(bytes, Options);
        }
        catch (JsonException exception)
        {
            var position = exception.LineNumber is { } line ? $" at line {line + 1}, byte {exception.BytePositionInLine + 1}" : "";
            var cause = exception.Message.Split(" LineNumber:", 2)[0];
            throw new OpenAiException(OpenAiError.Invalid($"The body is not valid JSON{position}: {cause}", code: "invalid_json"));
        }
    }

    private static OpenAiException TooLarge(int bytesMax) => new(new OpenAiError(
        StatusCodes.Status413PayloadTooLarge, "invalid_request_error", "request_too_large", null,
        $"The body must not exceed {bytesMax} bytes (Gateway:BodyBytesMax)."));
}
