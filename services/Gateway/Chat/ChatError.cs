using Grpc.Core;

namespace Parley.Gateway.Chat;

/// <summary>Why a request failed, with the one mapping to gRPC status and HTTP status that both edges use.</summary>
/// <param name="Kind">In which way.</param>
/// <param name="Message">For the caller: bounded, and without anything of the inside.</param>
internal sealed record ChatError(ChatErrorKind Kind, string Message)
{
    private const int MessageCharactersMax = 2048;
    private const int DetailCharactersMax = 4096;

    /// <summary>What a caller is told of a service that is not there, whatever the cause.</summary>
    public const string NotAvailable = "The model is not available at the moment.";

    /// <summary>What a caller is told of a fault that is ours.</summary>
    public const string OurFault = "The model failed to answer; the server's log has the cause.";

    /// <summary>The caller's deadline, or the server's own, after the request was accepted.</summary>
    public static ChatError DeadlinePassed => new(ChatErrorKind.DeadlineExceeded, "The deadline passed before the answer was complete.");

    public string Message { get; init; } = BoundedText.Cut(Message, MessageCharactersMax);

    /// <summary>What the log is told beside or instead: addresses, statuses of the transport. Never for a caller.</summary>
    public string? Detail { get; init; }

    public string LogMessage => BoundedText.Cut(Detail ?? Message, DetailCharactersMax);

    /// <summary>The faults of the request, where it is at fault: as many as a <see cref="ViolationList"/> keeps.</summary>
    public IReadOnlyList<ChatViolation> Violations { get; init; } = [];

    /// <summary>When to try again, where that is known.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whose own limit was reached, where it was one: the server itself is not loaded.</summary>
    public string? QuotaSubject { get; init; }

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
        ChatErrorKind.PermissionDenied => StatusCode.PermissionDenied,
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
        ChatErrorKind.PermissionDenied => StatusCodes.Status403Forbidden,
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
        StatusCode.PermissionDenied => "permission_denied",
        StatusCode.ResourceExhausted when QuotaSubject is not null => "quota_exceeded",
        StatusCode.ResourceExhausted => "resource_exhausted",
        StatusCode.Unavailable => "unavailable",
        StatusCode.FailedPrecondition => "failed_precondition",
        StatusCode.DeadlineExceeded => "deadline_exceeded",
        StatusCode.Aborted => "aborted",
        _ => "internal",
    };

    /// <summary>An error that lists all faults of a request at once.</summary>
    public static ChatError Invalid(params IEnumerable<ChatViolation> violations)
    {
        var kept = violations as ViolationList ?? new ViolationList(violations);
        return new ChatError(ChatErrorKind.InvalidRequest, Describe(kept, violation => violation.Field)) { Violations = kept };
    }

    /// <summary>The same about fields of other names.</summary>
    public ChatError Rename(Func<string, string> nameOf) => Violations.Count == 0 ? this : this with
    {
        Violations = Violations is ViolationList list
            ? list.Rename(violation => nameOf(violation.Field))
            : [.. Violations.Select(violation => violation with { Field = nameOf(violation.Field) })],
    };

    /// <summary>All faults in one line, under the names that an edge gives the fields.</summary>
    public static string Describe(IReadOnlyList<ChatViolation> violations, Func<ChatViolation, string> nameOf)
    {
        var text = string.Join("; ", violations.Select(violation => $"{nameOf(violation)} {violation.Description}"));
        var left = violations is ViolationList { Left: > 0 } list ? $"; and {list.Left} more" : "";
        return BoundedText.Cut(text, MessageCharactersMax - left.Length) + left;
    }
}
