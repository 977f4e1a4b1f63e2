namespace Parley.Client;

/// <summary>The server, or a service behind it, is not there or is going away.</summary>
public sealed class ParleyUnavailableException : ParleyException
{
    internal ParleyUnavailableException(string message, ParleyFault fault)
        : base(message, fault)
    {
    }
}
