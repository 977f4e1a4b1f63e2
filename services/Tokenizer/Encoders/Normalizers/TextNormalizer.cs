namespace Parley.Tokenizer.Encoders.Normalizers;

using Microsoft.ML.Tokenizers;

/// <summary>A step that rewrites a whole stretch of text; it may return the same instance where nothing changes.</summary>
internal abstract class TextNormalizer : Normalizer
{
    public sealed override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
}
