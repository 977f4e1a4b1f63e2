namespace Parley.Client;

/// <summary>The server has as much to do as it takes on; <see cref="ParleyException.RetryAfter"/> says when to come again.</summary>
public sealed class ParleyOverloadedException : ParleyException
{
    internal ParleyOverloadedException(string message, ParleyFault fault)
        : base(message, fault)
    {
    }
}
