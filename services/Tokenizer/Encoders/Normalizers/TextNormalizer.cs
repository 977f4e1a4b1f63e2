namespace Parley.Tokenizer.Encoders.Normalizers;

using Microsoft.ML.Tokenizers;
using Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>A step that rewrites a whole stretch of text; it may return the same instance where nothing changes.</summary>
internal abstract class TextNormalizer : Normalizer
{
    /// <summary>The longest text that a step may make: steps that lengthen a text multiply.</summary>
    public const int TextCharactersMax = 1 << 26;

    /// <summary>Whether it takes away the first characters of a text; what follows then no longer counts as the text's start.</summary>
    public virtual bool DropsStart(string original) => false;

    /// <exception cref="TextLimitException">The text would be longer than any may be.</exception>
    protected static void CheckLength(long characters)
    {
        if (characters > TextCharactersMax)
        {
            throw new TextLimitException(
                $"The model's normalizer makes {characters} characters of it; at most {TextCharactersMax} are allowed.");
        }
    }

    public sealed override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
}
