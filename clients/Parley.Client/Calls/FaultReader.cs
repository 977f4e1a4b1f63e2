using Google.Rpc;
using Grpc.Core;
using Parley.Gateway.V1;

namespace Parley.Client.Calls;

/// <summary>What a status, or the event that ends a stream, means for the caller.</summary>
internal static class FaultReader
{
    /// <summary>The exception for a call that ended with a status.</summary>
    /// <param name="exception">The status.</param>
    /// <param name="requestId">Of the call.</param>
    /// <param name="isOver">Whether its time was over: then one that broke off ran out of it, whichever side noticed first.</param>
    public static ParleyException Read(RpcException exception, string requestId, bool isOver)
    {
        var details = DetailsOf(exception);
        var retryAfter = details?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan();
        ParleyViolation[] violations = [.. details?.GetDetail<BadRequest>()?.FieldViolations
            .Select(violation => new ParleyViolation(violation.Field, violation.Description)) ?? []];
        var code = CodeOf(exception.Status);
        if (isOver && details is null && code is (StatusCode.Internal or StatusCode.Unknown or StatusCode.Unavailable))
            code = StatusCode.DeadlineExceeded;
        var fault = new ParleyFault(code, requestId, IsRetryable(code, retryAfter), retryAfter, exception);
        return Create(exception.Status.Detail, violations, isChosen: details is not null, fault);
    }

    /// <summary>The exception for an answer that failed after it was accepted.</summary>
    public static ParleyException Read(FailedEvent failed, string requestId)
    {
        var code = CodeOf(failed.Code);
        var fault = new ParleyFault(code, requestId, failed.Retryable);
        return Create(failed.Message, [], isChosen: true, fault);
    }

    /// <summary>The exception for a stream that just ended.</summary>
    public static ParleyException Unfinished(string requestId) => new ParleyServerException(
        "The stream ended before the answer was complete.", new ParleyFault(StatusCode.Internal, requestId));

    private static ParleyException Create(string message, IReadOnlyList<ParleyViolation> violations, bool isChosen, ParleyFault fault) =>
        fault.StatusCode switch
        {
            StatusCode.InvalidArgument or StatusCode.OutOfRange or StatusCode.NotFound =>
                new ParleyRequestException(message, violations, fault),
            // Without details it is no word of Parley's: there is no such service at the address.
            StatusCode.Unimplemented when isChosen => new ParleyRequestException(message, violations, fault),
            StatusCode.Unimplemented => new ParleyServerException($"No chat service of Parley answers there: {message}", fault),
            // Parley says when to come again; what does not is a message beyond its size, or a quota of somebody's between.
            StatusCode.ResourceExhausted when !fault.IsRetryable => new ParleyRequestException(message, violations, fault),
            StatusCode.ResourceExhausted => new ParleyOverloadedException(message, fault),
            StatusCode.Unauthenticated or StatusCode.PermissionDenied => new ParleyAccessException(message, fault),
            StatusCode.Unavailable or StatusCode.FailedPrecondition => new ParleyUnavailableException(message, fault),
            StatusCode.DeadlineExceeded => new ParleyTimeoutException("The time for the answer is over.", fault),
            _ => new ParleyServerException(message, fault),
        };

    private static bool IsRetryable(StatusCode code, TimeSpan? retryAfter) => code switch
    {
        StatusCode.Unavailable => true,
        StatusCode.ResourceExhausted or StatusCode.FailedPrecondition => retryAfter is not null,
        _ => false,
    };

    private static StatusCode CodeOf(Grpc.Core.Status status) => status.StatusCode switch
    {
        // The client library's own, of a connection that broke or never was; a server sends no exceptions.
        StatusCode.Internal or StatusCode.Unknown when status.DebugException is HttpRequestException or IOException =>
            StatusCode.Unavailable,
        // Neither the caller nor this client cancelled: the server, or something between, went away.
        StatusCode.Cancelled => StatusCode.Unavailable,
        var code => code,
    };

    /// <summary>A name in snake case, as the contract writes it.</summary>
    private static StatusCode CodeOf(string name) =>
        Enum.TryParse<StatusCode>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out var code)
            ? code : StatusCode.Unknown;

    private static Google.Rpc.Status? DetailsOf(RpcException exception)
    {
        try
        {
            return exception.GetRpcStatus();
        }
        catch (Google.Protobuf.InvalidProtocolBufferException)
        {
            // Bytes of somebody between; the status itself is good.
            return null;
        }
    }
}
