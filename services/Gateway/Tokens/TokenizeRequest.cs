using Parley.Gateway.Chat;

namespace Parley.Gateway.Tokens;

/// <summary>A text or a chat whose ids are wanted.</summary>
internal sealed record TokenizeRequest(ChatRequest Chat, TokenPieces Pieces);
