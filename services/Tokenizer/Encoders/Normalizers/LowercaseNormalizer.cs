using System.Text;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Lower-cases by the Unicode tables, whatever the culture.</summary>
internal sealed class LowercaseNormalizer : TextNormalizer
{
    // Letters of Unicode 16 and 17, which the reference knows and .NET's tables do not.
    private static readonly (int First, int Last, int Lower)[] Newer =
    [
        (0x1C89, 0x1C89, 0x1C8A), (0xA7CB, 0xA7CB, 0x264), (0xA7CC, 0xA7CC, 0xA7CD), (0xA7CE, 0xA7CE, 0xA7CF), (0xA7D2, 0xA7D2, 0xA7D3),
        (0xA7D4, 0xA7D4, 0xA7D5), (0xA7DA, 0xA7DA, 0xA7DB), (0xA7DC, 0xA7DC, 0x19B), (0x10D50, 0x10D65, 0x10D70),
        (0x16EA0, 0x16EB8, 0x16EBB),
    ];

    public override string Normalize(string original)
    {
        var text = original.ToLowerInvariant();
        if (Ascii.IsValid(text))
            return text;
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // The one character whose lower case is two: full case mapping writes them, .NET's simple mapping leaves it alone.
            if (rune.Value == 0x130)
                result.Append("i\u0307");
            else
                result.Append(Lower(rune));
        }

        return result.ToString();
    }

    private static Rune Lower(Rune rune)
    {
        if (rune.Value < Newer[0].First)
            return rune;
        foreach (var (first, last, lower) in Newer)
        {
            if (rune.Value >= first && rune.Value <= last)
                return new Rune(lower + rune.Value - first);
        }

        return rune;
    }
}
