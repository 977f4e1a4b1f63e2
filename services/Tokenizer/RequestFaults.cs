using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Parley.Tokenizer;

/// <summary>Faults of a caller → gRPC status with <c>google.rpc.BadRequest</c>, all violations at once.</summary>
internal static class RequestFaults
{
    public static RpcException ToRpcException(params IReadOnlyList<RequestException> faults)
    {
        var details = new BadRequest();
        foreach (var fault in faults)
            details.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = fault.Field, Description = fault.Description });
        var status = new Google.Rpc.Status
        {
            Code = (int)Code.InvalidArgument,
            Message = string.Join(" ", faults.Select(fault => fault.Message)),
            Details = { Any.Pack(details) },
        };
        return status.ToRpcException();
    }
}
