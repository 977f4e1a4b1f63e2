using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Parley.Gateway.Chat;

namespace Parley.Gateway;

/// <summary>A refused request as a gRPC status with <c>google.rpc</c> details.</summary>
internal static class ChatFault
{
    public static RpcException ToRpcException(ChatError error)
    {
        var status = new Google.Rpc.Status { Code = (int)error.StatusCode, Message = error.Message };
        if (error.Violations.Count > 0)
        {
            var details = new BadRequest();
            details.FieldViolations.AddRange(error.Violations.Select(violation =>
                new BadRequest.Types.FieldViolation { Field = violation.Field, Description = violation.Description }));
            status.Details.Add(Any.Pack(details));
        }

        if (error.RetryAfter is { } delay)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }));
        return status.ToRpcException();
    }
}
