namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>A stretch of text on its way to the model; <paramref name="AtStart"/> says that it opens the whole input.</summary>
internal readonly record struct TextPiece(string Text, int Start, int Length, bool AtStart)
{
    public ReadOnlySpan<char> Span => Text.AsSpan(Start, Length);

    /// <summary>A part of this piece, counted from its start.</summary>
    public TextPiece Part(int start, int length) => new(Text, Start + start, length, AtStart && start == 0);
}
