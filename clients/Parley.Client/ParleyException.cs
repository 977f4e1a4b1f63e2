using Grpc.Core;

namespace Parley.Client;

/// <summary>A chat that was not answered. Its type says in which way; the caller's own cancellation is none of these.</summary>
public abstract class ParleyException : Exception
{
    private protected ParleyException(string message, ParleyFault fault)
        : base(message, fault.Cause)
    {
        StatusCode = fault.StatusCode;
        RequestId = fault.RequestId;
        RetryAfter = fault.RetryAfter;
        IsRetryable = fault.IsRetryable;
    }

    /// <summary>The status of the call, or of the event that ended its stream.</summary>
    public StatusCode StatusCode { get; }

    /// <summary>The request's id, under which the server's logs have it; empty where no call was made.</summary>
    public string RequestId { get; }

    /// <summary>When the server says that another try makes sense; null where it does not say.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether the same request may succeed later. The client has then tried as often as its settings say.</summary>
    public bool IsRetryable { get; }
}
