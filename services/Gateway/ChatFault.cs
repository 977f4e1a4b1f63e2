using Grpc.Core;
using Parley.Gateway.Chat;
using Parley.ServiceDefaults;

namespace Parley.Gateway;

/// <summary>A refused request as a gRPC status with <c>google.rpc</c> details, bounded as trailers must be.</summary>
internal static class ChatFault
{
    /// <summary>Makes the exception that ends the call.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="retryAfterDefault">When to try again where that makes sense and nobody has said when.</param>
    public static RpcException ToRpcException(ChatError error, TimeSpan retryAfterDefault) => RpcFaults.Create(
        error.StatusCode, error.Message, error.Violations.Select(violation => (violation.Field, violation.Description)),
        error.RetryAfter ?? (error.Retryable ? retryAfterDefault : null), error.QuotaSubject);
}
