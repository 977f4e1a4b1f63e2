namespace Parley.Client;

/// <summary>The server failed; its log has the cause under <see cref="ParleyException.RequestId"/>.</summary>
public sealed class ParleyServerException : ParleyException
{
    internal ParleyServerException(string message, ParleyFault fault)
        : base(message, fault)
    {
    }
}
