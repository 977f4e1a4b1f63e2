namespace Parley.Tokenizer.Encoders.Normalizers;

using Microsoft.ML.Tokenizers;

/// <summary>A step that rewrites a whole stretch of text; it may return the same instance where nothing changes.</summary>
internal abstract class TextNormalizer : Normalizer
{
    /// <summary>Whether it takes away the first characters of a text; what follows then no longer counts as the text's start.</summary>
    public virtual bool DropsStart(string original) => false;

    public sealed override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
}
