using Parley.Gateway.Chat;

namespace Parley.Gateway.Anthropic;

/// <summary>A message as asked for over HTTP: the chat, and how its answer is to be written.</summary>
/// <param name="Chat">What the model is asked.</param>
/// <param name="Stream">Whether the answer comes as events.</param>
/// <param name="TellsThinking">Whether what the model thinks is part of the answer.</param>
/// <param name="EagerTools">Tools whose arguments are told while they are written, before it is known that they are whole.</param>
/// <param name="Places">Where its messages stood.</param>
internal sealed record MessagesRequest(
    ChatRequest Chat, bool Stream, bool TellsThinking, IReadOnlySet<string> EagerTools, FieldPlaces Places)
{
    /// <summary>Fields that were read over and that the answer names.</summary>
    public IReadOnlyCollection<string> Ignored { get; init; } = [];
}
