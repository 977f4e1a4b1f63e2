namespace Parley.Gateway.Chat;

/// <summary>One token as a person reads it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Token">The entry of the vocabulary.</param>
/// <param name="Text">What it decodes to on its own.</param>
/// <param name="Utf8">The exact bytes it stands for.</param>
/// <param name="Special">Whether it is a special token.</param>
internal sealed record TokenPiece(uint Id, string Token, string Text, ReadOnlyMemory<byte> Utf8, bool Special);
