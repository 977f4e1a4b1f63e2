using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace Parley.Generator;

/// <summary>The faults of a call before its first event: a status with google.rpc details.</summary>
internal static class GrpcFaults
{
    /// <summary>All that is wrong with a request.</summary>
    public static RpcException Invalid(IReadOnlyList<BadRequest.Types.FieldViolation> violations)
    {
        var message = string.Join(" ", violations.Select(violation => $"{violation.Field}: {violation.Description}"));
        return Fault(StatusCode.InvalidArgument, message, new BadRequest { FieldViolations = { violations } });
    }

    /// <summary>A field that this service does not serve.</summary>
    public static RpcException Unimplemented(string field, string message) =>
        Fault(StatusCode.Unimplemented, $"{field}: {message}", Violation(field, message));

    public static RpcException NotFound(string field, string message) =>
        Fault(StatusCode.NotFound, $"{field}: {message}", Violation(field, message));

    public static RpcException FailedPrecondition(string field, string message) =>
        Fault(StatusCode.FailedPrecondition, $"{field}: {message}", Violation(field, message));

    public static RpcException Overloaded(string message, TimeSpan retryAfter) =>
        Fault(StatusCode.ResourceExhausted, message, new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) });

    public static RpcException Unavailable(string message, TimeSpan retryAfter) =>
        Fault(StatusCode.Unavailable, message, new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) });

    public static RpcException DeadlineExceeded(string message) => new(new Grpc.Core.Status(StatusCode.DeadlineExceeded, message));

    private static BadRequest Violation(string field, string message) =>
        new() { FieldViolations = { new BadRequest.Types.FieldViolation { Field = field, Description = message } } };

    [SuppressMessage("Performance", "CA1859", Justification = "Any detail will do.")]
    private static RpcException Fault(StatusCode code, string message, IMessage detail) =>
        new Status { Code = (int)code, Message = message, Details = { Any.Pack(detail) } }.ToRpcException();
}
