using Grpc.Core;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>What every call upstream carries for a request: its id and its deadline.</summary>
internal static class RequestMetadata
{
    public const string RequestIdHeader = "x-request-id";

    public static Metadata For(ChatRequest request) => new() { { RequestIdHeader, request.RequestId } };

    public static DateTime? Deadline(ChatRequest request) => request.Deadline?.UtcDateTime;
}
