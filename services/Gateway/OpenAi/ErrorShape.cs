namespace Parley.Gateway.OpenAi;

/// <summary>How an endpoint of another protocol writes an error, as its metadata. Without it errors are in OpenAI's shape.</summary>
/// <param name="Write">Status, headers and body.</param>
internal sealed record ErrorShape(Func<HttpContext, OpenAiError, Task> Write)
{
    /// <summary>Writes an error as the request's endpoint has them.</summary>
    public static Task WriteAsync(HttpContext context, OpenAiError error) =>
        context.GetEndpoint()?.Metadata.GetMetadata<ErrorShape>() is { } shape ? shape.Write(context, error) : error.WriteAsync(context);
}
