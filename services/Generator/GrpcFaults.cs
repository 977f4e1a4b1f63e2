using Google.Rpc;
using Grpc.Core;
using Parley.Generator.Adapters;
using Parley.ServiceDefaults;

namespace Parley.Generator;

/// <summary>The faults of a call before its first event: a status with details, as short as <see cref="RpcFaults"/> keeps it.</summary>
internal static class GrpcFaults
{
    /// <summary>All that is wrong with a request.</summary>
    public static RpcException Invalid(IReadOnlyList<BadRequest.Types.FieldViolation> violations) =>
        RpcFaults.Create(
            StatusCode.InvalidArgument, message: null, violations.Select(violation => (violation.Field, violation.Description)));

    /// <summary>A field that this service does not serve.</summary>
    public static RpcException Unimplemented(string field, string message) => Fault(StatusCode.Unimplemented, field, message);

    public static RpcException NotFound(string field, string message) => Fault(StatusCode.NotFound, field, message);

    public static RpcException FailedPrecondition(string field, string message) => Fault(StatusCode.FailedPrecondition, field, message);

    public static RpcException Overloaded(string message, TimeSpan retryAfter) =>
        RpcFaults.Create(StatusCode.ResourceExhausted, message, [], retryAfter);

    public static RpcException Unavailable(string message, TimeSpan retryAfter) =>
        RpcFaults.Create(StatusCode.Unavailable, message, [], retryAfter);

    public static RpcException DeadlineExceeded(string message) => new(new Grpc.Core.Status(StatusCode.DeadlineExceeded, message));

    /// <summary>Something about an adapter that is refused.</summary>
    public static RpcException Of(AdapterException exception) => Fault(
        exception.Kind switch
        {
            AdapterRefusalKind.Unknown => StatusCode.NotFound,
            AdapterRefusalKind.Unsupported => StatusCode.Unimplemented,
            AdapterRefusalKind.Full => StatusCode.ResourceExhausted,
            _ => StatusCode.InvalidArgument,
        },
        exception.Field,
        exception.Message);

    private static RpcException Fault(StatusCode code, string field, string message) =>
        RpcFaults.Create(code, message: null, [(field, message)]);
}
