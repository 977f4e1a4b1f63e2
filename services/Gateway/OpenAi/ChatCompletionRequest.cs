using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>A chat completion as asked for over HTTP: the chat, and how its answer is to be written.</summary>
internal sealed record ChatCompletionRequest(ChatRequest Chat, bool Stream, bool IncludeUsage);
