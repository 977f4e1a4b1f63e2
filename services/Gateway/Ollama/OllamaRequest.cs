using Parley.Gateway.Chat;

namespace Parley.Gateway.Ollama;

/// <summary>A chat or a prompt as asked for over HTTP.</summary>
/// <param name="Chat">What the model is asked.</param>
/// <param name="Stream">Whether the answer comes line by line.</param>
/// <param name="IsLoad">Nothing is asked: the caller only wants the model to be loaded.</param>
/// <param name="HasContext">Whether the answer ends with the conversation, for the next prompt.</param>
internal sealed record OllamaRequest(ChatRequest Chat, bool Stream, bool IsLoad, bool HasContext = false);
