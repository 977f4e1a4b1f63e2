using Grpc.Core;
using Parley.Gateway.Chat;
using Parley.ServiceDefaults;

namespace Parley.Gateway;

/// <summary>A refused request as a gRPC status with <c>google.rpc</c> details, bounded as trailers must be.</summary>
internal static class ChatFault
{
    public static RpcException ToRpcException(ChatError error) => RpcFaults.Create(
        error.StatusCode, error.Message, error.Violations.Select(violation => (violation.Field, violation.Description)),
        error.RetryAfter);
}
