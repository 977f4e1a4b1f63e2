namespace Parley.Gateway.Chat;

/// <summary>One token as a person reads it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Token">The entry of the vocabulary.</param>
/// <param name="Text">What it adds to the text it stands in.</param>
/// <param name="Utf8">The exact bytes of that.</param>
/// <param name="Special">Whether it is a special token.</param>
/// <param name="DroppedAtStart">How many of the first characters and bytes are dropped where it opens a text.</param>
internal sealed record TokenPiece(uint Id, string Token, string Text, ReadOnlyMemory<byte> Utf8, bool Special, int DroppedAtStart)
{
    /// <summary>What it adds to a text that it opens.</summary>
    public TokenPiece AtStart() =>
        DroppedAtStart == 0 ? this : this with { Text = Text[DroppedAtStart..], Utf8 = Utf8[DroppedAtStart..], DroppedAtStart = 0 };
}
