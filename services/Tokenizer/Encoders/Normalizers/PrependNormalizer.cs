namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Puts a text before every stretch that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override string Normalize(string original)
    {
        if (original.Length == 0)
            return original;
        CheckLength((long)prefix.Length + original.Length);
        return prefix + original;
    }
}
