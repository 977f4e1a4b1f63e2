using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>Errors in Ollama's shape: <c>{"error": "…"}</c>.</summary>
internal static class OllamaErrors
{
    /// <summary>Of every endpoint in this folder.</summary>
    public static ErrorShape Shape { get; } = new(WriteAsync);

    /// <summary>The pipeline's error under the names that the request's author knows.</summary>
    public static OpenAiError From(ChatError error, Func<string, string> nameOf)
    {
        var shown = OpenAiError.From(FieldNames.Rename(error, nameOf));
        // Programs look for these words: they offer to pull the model, or ask again without tools.
        if (error.Kind == ChatErrorKind.ModelNotFound)
            return shown with { Message = $"model not found: {shown.Message}" };
        return error.Violations is [{ Field: "chat.tools_json", Reason: ViolationReason.Unsupported }]
            ? shown with { Message = $"the model does not support tools: {shown.Message}" }
            : shown;
    }

    public static OpenAiException Refusal(string message, int status = StatusCodes.Status400BadRequest) =>
        new(OpenAiError.Invalid(message) with { Status = status });

    public static void Write(Utf8JsonWriter json, OpenAiError error)
    {
        json.WriteStartObject();
        json.WriteString("error", error.Message);
        json.WriteEndObject();
    }

    private static async Task WriteAsync(HttpContext context, OpenAiError error)
    {
        context.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } delay)
            context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(delay.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        await JsonAnswer.WriteAsync(context, json => Write(json, error));
    }
}
