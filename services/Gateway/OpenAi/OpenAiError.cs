using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>An error in OpenAI's shape: <c>{"error": {"message", "type", "param", "code"}}</c>.</summary>
internal sealed record OpenAiError(int Status, string Type, string? Code, string? Param, string Message)
{
    /// <summary>When to try again; the guard sees to it that 429 and 503 have one.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static OpenAiError Invalid(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", code, param, message);

    /// <summary>The pipeline's error, with the fields named as OpenAI names them.</summary>
    public static OpenAiError From(ChatError error)
    {
        var fields = error.Violations;
        var message = error.Kind is ChatErrorKind.InvalidRequest or ChatErrorKind.ContextExceeded or ChatErrorKind.ModelNotFound
            && fields.Count > 0
            ? ChatError.Describe(fields, violation => FieldNames.ToOpenAi(violation.Field)).TrimEnd('.') + "."
            : error.Message;
        var param = fields.Count > 0 ? FieldNames.ToOpenAi(fields[0].Field) : null;
        return new OpenAiError(error.HttpStatus, TypeOf(error.Kind), ErrorCodes.Of(error), param, message)
        {
            RetryAfter = error.RetryAfter,
        };
    }

    public async Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = Status;
        if (RetryAfter is { } delay)
            context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(delay.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        await JsonAnswer.WriteAsync(context, Write);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", Message);
        json.WriteString("type", Type);
        json.WriteString("param", Param);
        json.WriteString("code", Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string TypeOf(ChatErrorKind kind) => kind switch
    {
        ChatErrorKind.InvalidRequest or ChatErrorKind.ContextExceeded or ChatErrorKind.Unsupported or ChatErrorKind.ModelNotFound
            or ChatErrorKind.PermissionDenied =>
            "invalid_request_error",
        ChatErrorKind.Overloaded => "rate_limit_error",
        ChatErrorKind.Unavailable or ChatErrorKind.PairMismatch => "service_unavailable_error",
        ChatErrorKind.DeadlineExceeded or ChatErrorKind.SlowReader => "timeout_error",
        _ => "server_error",
    };
}
