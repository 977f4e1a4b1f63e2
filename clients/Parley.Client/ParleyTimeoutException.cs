namespace Parley.Client;

/// <summary>The time for the answer was over before the answer was complete.</summary>
public sealed class ParleyTimeoutException : ParleyException
{
    internal ParleyTimeoutException(string message, ParleyFault fault)
        : base(message, fault)
    {
    }
}
