namespace Parley.Gateway.Chat;

/// <summary>What the inspector shows of steps 2 and 3.</summary>
/// <param name="Text">The chat as the template writes it.</param>
/// <param name="UserRanges">Start and length, in UTF-16 code units, of what came from the request.</param>
/// <param name="Pieces">The prompt's tokens.</param>
internal sealed record RenderedPrompt(string Text, IReadOnlyList<(uint Start, uint Length)> UserRanges, IReadOnlyList<TokenPiece> Pieces);
