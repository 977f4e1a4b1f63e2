namespace Parley.Client;

/// <summary>The server asks for a key, or does not take the one that was sent.</summary>
public sealed class ParleyAccessException : ParleyException
{
    internal ParleyAccessException(string message, ParleyFault fault)
        : base(message, fault)
    {
    }
}
