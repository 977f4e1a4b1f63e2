using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Removes combining marks; stands after a decomposing form.</summary>
internal sealed class StripAccentsNormalizer : TextNormalizer
{
    public override string Normalize(string original)
    {
        if (Ascii.IsValid(original))
            return original;
        var result = new StringBuilder(original.Length);
        foreach (var rune in original.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.EnclosingMark))
                result.Append(rune);
        }

        return result.ToString();
    }
}
