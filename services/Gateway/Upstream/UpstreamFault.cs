using Google.Rpc;
using Grpc.Core;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>What a service's status means for the request; the message names the service.</summary>
internal static class UpstreamFault
{
    /// <summary>Throws the cancellation where the caller cancelled, else a <see cref="ChatException"/>.</summary>
    public static Exception Translate(RpcException exception, UpstreamService service, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new OperationCanceledException(exception.Message, exception, cancellationToken);
        var status = exception.GetRpcStatus();
        var violations = status?.GetDetail<BadRequest>()?.FieldViolations
            .Select(violation => new ChatViolation(violation.Field, violation.Description)).ToArray() ?? [];
        var detail = exception.Status.Detail;
        return new ChatException(
            new ChatError(KindOf(exception.StatusCode), MessageOf(exception.StatusCode, service, detail))
            {
                Violations = violations,
                RetryAfter = status?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan(),
            },
            exception);
    }

    private static ChatErrorKind KindOf(StatusCode code) => code switch
    {
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

    private static string MessageOf(StatusCode code, UpstreamService service, string detail) => code switch
    {
        // These are about the request, and the request's author does not care which service says so.
        StatusCode.InvalidArgument or StatusCode.OutOfRange or StatusCode.Unimplemented or StatusCode.NotFound => detail,
        StatusCode.ResourceExhausted or StatusCode.FailedPrecondition => $"The {service.Name} refuses: {detail}",
        StatusCode.DeadlineExceeded => $"The deadline passed while the {service.Name} worked.",
        StatusCode.Unavailable or StatusCode.Cancelled => $"The {service} is not available: {detail}",
        _ => $"The {service} failed ({code}): {detail}",
    };
}
