namespace Parley.Gateway.Chat;

/// <summary>A request that was not accepted; the edges turn it into a status.</summary>
internal sealed class ChatException(ChatError error, Exception? cause = null) : Exception(error.Message, cause)
{
    public ChatError Error { get; } = error;
}
