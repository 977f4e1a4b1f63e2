using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>Errors in Anthropic's shape: <c>{"type": "error", "error": {"type", "message"}, "request_id"}</c>.</summary>
internal static class AnthropicErrors
{
    /// <summary>The header under which Anthropic's clients look for a request's id.</summary>
    public const string RequestIdHeader = "request-id";

    /// <summary>Not in the registry of status codes: the server is loaded, and not by this caller.</summary>
    private const int Overloaded = 529;

    /// <summary>Of every endpoint in this folder.</summary>
    public static ErrorShape Shape { get; } = new(WriteAsync);

    /// <summary>The pipeline's error under the names that the request's author knows.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="places">Where the chat's messages stood in the request.</param>
    /// <param name="retryAfter">When to try again where nobody has said.</param>
    public static OpenAiError From(ChatError error, FieldPlaces places, TimeSpan retryAfter)
    {
        var named = error.Violations.Select(violation => violation with { Field = places.NameOf(violation.Field) });
        var shown = OpenAiError.From(error with { Violations = new ViolationList(named) });
        return error is { Kind: ChatErrorKind.Overloaded, QuotaSubject: null }
            ? shown with { Status = Overloaded, RetryAfter = error.RetryAfter ?? retryAfter }
            : shown;
    }

    public static void Write(Utf8JsonWriter json, OpenAiError error, string requestId)
    {
        json.WriteStartObject();
        json.WriteString("type", "error");
        json.WriteStartObject("error");
        json.WriteString("type", TypeOf(error.Status));
        json.WriteString("message", error.Message);
        json.WriteEndObject();
        json.WriteString("request_id", requestId);
        json.WriteEndObject();
    }

    private static async Task WriteAsync(HttpContext context, OpenAiError error)
    {
        var requestId = context.Response.Headers[Upstream.RequestMetadata.RequestIdHeader].ToString();
        context.Response.StatusCode = error.Status;
        context.Response.Headers[RequestIdHeader] = requestId;
        if (error.RetryAfter is { } delay)
            context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(delay.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        await JsonAnswer.WriteAsync(context, json => Write(json, error, requestId));
    }

    private static string TypeOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status413PayloadTooLarge => "request_too_large",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status408RequestTimeout or StatusCodes.Status504GatewayTimeout => "timeout_error",
        Overloaded => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
