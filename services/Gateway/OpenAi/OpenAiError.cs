using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>An error in OpenAI's shape: <c>{"error": {"message", "type", "param", "code"}}</c>.</summary>
internal sealed record OpenAiError(int Status, string Type, string? Code, string? Param, string Message)
{
    public TimeSpan? RetryAfter { get; init; }

    public static OpenAiError Invalid(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", code, param, message);

    /// <summary>The pipeline's error, with the fields named as OpenAI names them.</summary>
    public static OpenAiError From(ChatError error)
    {
        var fields = error.Violations.Select(violation => violation with { Field = FieldNames.ToOpenAi(violation.Field) }).ToArray();
        var message = error.Kind is ChatErrorKind.InvalidRequest or ChatErrorKind.ContextExceeded or ChatErrorKind.ModelNotFound
            && fields.Length > 0
            ? string.Join("; ", fields.Select(violation => $"{violation.Field} {violation.Description}")) + "."
            : error.Message;
        return new OpenAiError(error.HttpStatus, TypeOf(error.Kind), CodeOf(error), fields.Length > 0 ? fields[0].Field : null, message)
        {
            RetryAfter = error.RetryAfter,
        };
    }

    public async Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = Status;
        context.Response.ContentType = "application/json; charset=utf-8";
        if (RetryAfter is { } delay)
            context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(delay.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        else if (Status == StatusCodes.Status429TooManyRequests)
            context.Response.Headers.RetryAfter = "1";
        using (var json = new Utf8JsonWriter(context.Response.BodyWriter, ChatCompletionWriter.JsonOptions))
            Write(json);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
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
        ChatErrorKind.InvalidRequest or ChatErrorKind.ContextExceeded or ChatErrorKind.Unsupported or ChatErrorKind.ModelNotFound =>
            "invalid_request_error",
        ChatErrorKind.Overloaded => "rate_limit_error",
        ChatErrorKind.Unavailable or ChatErrorKind.PairMismatch => "service_unavailable_error",
        ChatErrorKind.DeadlineExceeded or ChatErrorKind.SlowReader => "timeout_error",
        _ => "server_error",
    };

    private static string CodeOf(ChatError error) => error.Kind switch
    {
        ChatErrorKind.InvalidRequest => "invalid_value",
        ChatErrorKind.ContextExceeded => "context_length_exceeded",
        ChatErrorKind.Unsupported => "unsupported_value",
        ChatErrorKind.ModelNotFound => "model_not_found",
        ChatErrorKind.Overloaded => "rate_limit_exceeded",
        ChatErrorKind.PairMismatch => "model_mismatch",
        _ => error.Code,
    };
}
