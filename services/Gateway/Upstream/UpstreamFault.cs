using Google.Rpc;
using Grpc.Core;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>
/// What a service's status means for the request. Words that a service chose for the request's author pass; what the transport or an
/// exception says goes to the log, because it speaks of addresses and libraries that are nobody's business outside.
/// </summary>
internal static class UpstreamFault
{
    /// <summary>Throws the cancellation where the caller cancelled, else a <see cref="ChatException"/>.</summary>
    public static Exception Translate(RpcException exception, UpstreamService service, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new OperationCanceledException(exception.Message, exception, cancellationToken);
        var status = exception.GetRpcStatus();
        // Our services send details with whatever they refuse; a status without them is the transport's, or a proxy's.
        var isChosen = status is not null;
        var kind = KindOf(exception.Status);
        if (IsAboutTheRequest(kind) && !isChosen)
            kind = ChatErrorKind.Internal;
        var violations = status?.GetDetail<BadRequest>()?.FieldViolations
            .Select(violation => new ChatViolation(violation.Field, violation.Description)) ?? [];
        return new ChatException(
            new ChatError(kind, MessageOf(kind, service, isChosen ? exception.Status.Detail : null))
            {
                Violations = IsAboutTheRequest(kind) ? new ViolationList(violations) : [],
                RetryAfter = status?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan(),
                Detail = $"The {service} answered {exception.StatusCode}: {exception.Status.Detail}",
            },
            exception);
    }

    private static ChatErrorKind KindOf(Grpc.Core.Status status) => status.StatusCode switch
    {
        // The client library's own, of a connection that broke or never was; a service sends no exceptions.
        StatusCode.Internal or StatusCode.Unknown when status.DebugException is HttpRequestException or IOException =>
            ChatErrorKind.Unavailable,
        StatusCode.InvalidArgument => ChatErrorKind.InvalidRequest,
        StatusCode.OutOfRange => ChatErrorKind.ContextExceeded,
        StatusCode.Unimplemented => ChatErrorKind.Unsupported,
        StatusCode.NotFound => ChatErrorKind.ModelNotFound,
        StatusCode.ResourceExhausted => ChatErrorKind.Overloaded,
        // A call that neither side of us cancelled was cut by the peer's shutdown or by the connection.
        StatusCode.Unavailable or StatusCode.Cancelled => ChatErrorKind.Unavailable,
        StatusCode.FailedPrecondition => ChatErrorKind.PairMismatch,
        StatusCode.DeadlineExceeded => ChatErrorKind.DeadlineExceeded,
        StatusCode.Aborted => ChatErrorKind.SlowReader,
        _ => ChatErrorKind.Internal,
    };

    private static bool IsAboutTheRequest(ChatErrorKind kind) => kind is ChatErrorKind.InvalidRequest or ChatErrorKind.ContextExceeded
        or ChatErrorKind.Unsupported or ChatErrorKind.ModelNotFound;

    private static string MessageOf(ChatErrorKind kind, UpstreamService service, string? chosen) => kind switch
    {
        // These are about the request, and the request's author does not care which service says so.
        _ when IsAboutTheRequest(kind) => chosen!,
        ChatErrorKind.Overloaded => chosen is null ? $"The {service.Name} is overloaded." : $"The {service.Name} refuses: {chosen}",
        ChatErrorKind.PairMismatch => chosen is null ? ChatError.NotAvailable : $"The {service.Name} refuses: {chosen}",
        ChatErrorKind.DeadlineExceeded => $"The deadline passed while the {service.Name} worked.",
        ChatErrorKind.SlowReader => $"The {service.Name} gave the request up: it was read too slowly.",
        ChatErrorKind.Unavailable => ChatError.NotAvailable,
        _ => ChatError.OurFault,
    };
}
