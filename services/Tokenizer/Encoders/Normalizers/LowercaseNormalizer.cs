namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Lower-cases by the Unicode tables, whatever the culture.</summary>
internal sealed class LowercaseNormalizer : TextNormalizer
{
    public override string Normalize(string original)
    {
        var text = original.ToLowerInvariant();
        // The one character whose lower case is two: full case mapping writes them, .NET's simple mapping leaves it alone.
        return text.Replace("\u0130", "i\u0307", StringComparison.Ordinal);
    }
}
