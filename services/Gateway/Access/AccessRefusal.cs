using Grpc.Core;

namespace Parley.Gateway.Access;

/// <summary>Why a request is not let in, before anything of it is read.</summary>
/// <param name="HttpStatus">Over HTTP.</param>
/// <param name="GrpcStatus">Over gRPC.</param>
/// <param name="Type">OpenAI's type of error.</param>
/// <param name="Code">OpenAI's code; also for the log.</param>
/// <param name="Message">For the caller; holds nothing of a key.</param>
internal sealed record AccessRefusal(int HttpStatus, StatusCode GrpcStatus, string Type, string Code, string Message)
{
    /// <summary>Value of <c>WWW-Authenticate</c>.</summary>
    public string? Challenge { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whose limit is reached.</summary>
    public string? QuotaSubject { get; init; }

    /// <summary>In metrics.</summary>
    public string Outcome => HttpStatus switch
    {
        StatusCodes.Status401Unauthorized => "unauthenticated",
        StatusCodes.Status429TooManyRequests => "limited",
        StatusCodes.Status503ServiceUnavailable => "unavailable",
        _ => "denied",
    };

    /// <param name="message">What is wrong.</param>
    /// <param name="challenge">What the scheme Bearer is told beside, e.g. <c>error="invalid_token"</c>.</param>
    public static AccessRefusal Unauthenticated(string message, string challenge = "") => new(
        StatusCodes.Status401Unauthorized, StatusCode.Unauthenticated, "invalid_request_error", "invalid_api_key", message)
    {
        Challenge = $"Bearer {challenge}".TrimEnd(),
    };

    /// <param name="scope">What the token lacks.</param>
    public static AccessRefusal WithoutScope(string scope) => new(
        StatusCodes.Status403Forbidden, StatusCode.PermissionDenied, "invalid_request_error", "insufficient_scope",
        $"The token has not the scope '{scope}'.")
    {
        Challenge = $"Bearer error=\"insufficient_scope\", scope=\"{scope}\"",
    };

    public static AccessRefusal Limited(string message, TimeSpan wait, string subject) => new(
        StatusCodes.Status429TooManyRequests, StatusCode.ResourceExhausted, "rate_limit_error", "rate_limit_exceeded", message)
    {
        RetryAfter = wait,
        QuotaSubject = subject,
    };

    public static AccessRefusal TooLarge(int bytesMax) => new(
        StatusCodes.Status413PayloadTooLarge, StatusCode.ResourceExhausted, "invalid_request_error", "request_too_large",
        $"The body must not exceed {bytesMax} bytes with this key.");

    public static AccessRefusal ProviderAway(TimeSpan retryAfter) => new(
        StatusCodes.Status503ServiceUnavailable, StatusCode.Unavailable, "service_unavailable_error", "unavailable",
        "Tokens cannot be checked at the moment: their provider does not answer.")
    {
        RetryAfter = retryAfter,
    };
}
