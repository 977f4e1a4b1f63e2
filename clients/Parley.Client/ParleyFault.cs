using Grpc.Core;

namespace Parley.Client;

/// <summary>What all exceptions of this client tell.</summary>
/// <param name="StatusCode">The status.</param>
/// <param name="RequestId">The request's id, or empty.</param>
/// <param name="IsRetryable">Whether the same request may succeed later.</param>
/// <param name="RetryAfter">When, where the server says so.</param>
/// <param name="Cause">What gRPC threw, if it did.</param>
internal sealed record ParleyFault(
    StatusCode StatusCode, string RequestId, bool IsRetryable = false, TimeSpan? RetryAfter = null, Exception? Cause = null);
