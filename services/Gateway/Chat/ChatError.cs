using Grpc.Core;

namespace Parley.Gateway.Chat;

/// <summary>Why a request failed, with the one mapping to gRPC status and HTTP status that both edges use.</summary>
internal sealed record ChatError(ChatErrorKind Kind, string Message)
{
    /// <summary>All faults of the request, where it is the request's fault.</summary>
    public IReadOnlyList<ChatViolation> Violations { get; init; } = [];

    /// <summary>When to try again, where that is known.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The same request may succeed later.</summary>
    public bool Retryable { get; init; } =
        Kind is ChatErrorKind.Overloaded or ChatErrorKind.Unavailable or ChatErrorKind.PairMismatch;

    /// <summary>Whether it is ours and belongs into the log as an error.</summary>
    public bool IsOurs => Kind is ChatErrorKind.Internal;

    public StatusCode StatusCode => Kind switch
    {
        ChatErrorKind.InvalidRequest or ChatErrorKind.ContextExceeded => StatusCode.InvalidArgument,
        ChatErrorKind.Unsupported => StatusCode.Unimplemented,
        ChatErrorKind.ModelNotFound => StatusCode.NotFound,
        ChatErrorKind.Overloaded => StatusCode.ResourceExhausted,
        ChatErrorKind.Unavailable => StatusCode.Unavailable,
        ChatErrorKind.PairMismatch => StatusCode.FailedPrecondition,
        ChatErrorKind.DeadlineExceeded => StatusCode.DeadlineExceeded,
        ChatErrorKind.SlowReader => StatusCode.Aborted,
        _ => StatusCode.Internal,
    };

    public int HttpStatus => Kind switch
    {
        ChatErrorKind.InvalidRequest or ChatErrorKind.ContextExceeded or ChatErrorKind.Unsupported => StatusCodes.Status400BadRequest,
        ChatErrorKind.ModelNotFound => StatusCodes.Status404NotFound,
        ChatErrorKind.Overloaded => StatusCodes.Status429TooManyRequests,
        ChatErrorKind.Unavailable or ChatErrorKind.PairMismatch => StatusCodes.Status503ServiceUnavailable,
        ChatErrorKind.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        ChatErrorKind.SlowReader => StatusCodes.Status408RequestTimeout,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>The gRPC status name in snake case: the code of a <c>failed</c> event and <c>error.type</c> in telemetry.</summary>
    public string Code => StatusCode switch
    {
        StatusCode.InvalidArgument => "invalid_argument",
        StatusCode.Unimplemented => "unimplemented",
        StatusCode.NotFound => "not_found",
        StatusCode.ResourceExhausted => "resource_exhausted",
        StatusCode.Unavailable => "unavailable",
        StatusCode.FailedPrecondition => "failed_precondition",
        StatusCode.DeadlineExceeded => "deadline_exceeded",
        StatusCode.Aborted => "aborted",
        _ => "internal",
    };

    /// <summary>An error that lists all faults of a request at once.</summary>
    public static ChatError Invalid(IReadOnlyList<ChatViolation> violations) =>
        new(ChatErrorKind.InvalidRequest, string.Join("; ", violations.Select(violation => $"{violation.Field} {violation.Description}")))
        {
            Violations = violations,
        };
}
