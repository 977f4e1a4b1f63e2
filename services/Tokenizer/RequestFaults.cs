using Grpc.Core;
using Parley.ServiceDefaults;

namespace Parley.Tokenizer;

/// <summary>Faults of a caller → gRPC status with <c>google.rpc.BadRequest</c>, all violations at once as far as they have room.</summary>
internal static class RequestFaults
{
    public static RpcException ToRpcException(params IReadOnlyList<RequestException> faults) =>
        RpcFaults.Create(StatusCode.InvalidArgument, message: null, faults.Select(fault => (fault.Field, fault.Description)));
}
