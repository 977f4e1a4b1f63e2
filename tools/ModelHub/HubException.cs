namespace Parley.ModelHub;

/// <summary>A pull that failed; the message is for the person who asked and says what to do.</summary>
public sealed class HubException(HubFailure failure, string message, Exception? innerException = null) : Exception(message, innerException)
{
    public HubFailure Failure => failure;
}
