namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Puts a text before every stretch that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override string Normalize(string original) => original.Length == 0 ? original : prefix + original;
}
