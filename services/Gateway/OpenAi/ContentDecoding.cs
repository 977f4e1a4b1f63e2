using System.IO.Compression;

namespace Parley.Gateway.OpenAi;

/// <summary>A request body as it was before its Content-Encoding.</summary>
internal static class ContentDecoding
{
    /// <summary>What may be sent, as <c>Accept-Encoding</c> lists it.</summary>
    public const string Accepted = "gzip, deflate, br";

    /// <summary>The decoding of one coding's name; null for the one that changes nothing.</summary>
    /// <exception cref="OpenAiException">415: the coding is unknown, or there are several.</exception>
    public static Func<Stream, Stream>? For(HttpContext context)
    {
        var header = context.Request.Headers.ContentEncoding.ToString();
        var names = header.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(name => !name.Equals("identity", StringComparison.OrdinalIgnoreCase)).ToArray();
        if (names.Length == 0)
            return null;
        if (names is [var name] && Find(name) is { } decode)
            return decode;
        // RFC 7694: what would have been understood.
        context.Response.Headers.AcceptEncoding = Accepted;
        var message = $"Content-Encoding '{Shorten(header)}' is not understood; send the body plain or as one of {Accepted}.";
        throw new OpenAiException(
            OpenAiError.Invalid(message, code: "unsupported_encoding") with { Status = StatusCodes.Status415UnsupportedMediaType });
    }

    private static Func<Stream, Stream>? Find(string name) => name.ToLowerInvariant() switch
    {
        "gzip" or "x-gzip" => body => new GZipStream(body, CompressionMode.Decompress, leaveOpen: true),
        "deflate" => body => new ZLibStream(body, CompressionMode.Decompress, leaveOpen: true),
        "br" => body => new BrotliStream(body, CompressionMode.Decompress, leaveOpen: true),
        _ => null,
    };

    private static string Shorten(string header) => header.Length <= 40 ? header : header[..40] + "…";
}
