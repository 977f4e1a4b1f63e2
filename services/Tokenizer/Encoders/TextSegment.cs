namespace Parley.Tokenizer.Encoders;

/// <summary>A stretch of text between added tokens, or one added token.</summary>
/// <param name="Text">The text it is a part of.</param>
/// <param name="Start">First UTF-16 code unit.</param>
/// <param name="Length">UTF-16 code units.</param>
/// <param name="TokenId">The added token, or −1 for text.</param>
/// <param name="AtStart">Whether it opens the whole input.</param>
internal readonly record struct TextSegment(string Text, int Start, int Length, int TokenId, bool AtStart)
{
    public bool IsText => TokenId < 0;

    public ReadOnlySpan<char> Span => Text.AsSpan(Start, Length);
}
