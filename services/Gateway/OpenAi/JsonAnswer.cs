using System.Text.Json;

namespace Parley.Gateway.OpenAi;

/// <summary>A whole answer as one JSON object, in every protocol.</summary>
internal static class JsonAnswer
{
    /// <summary>Sends it; status and further headers are set before.</summary>
    public static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        using (var json = new Utf8JsonWriter(context.Response.BodyWriter, ChatCompletionWriter.JsonOptions))
            write(json);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
