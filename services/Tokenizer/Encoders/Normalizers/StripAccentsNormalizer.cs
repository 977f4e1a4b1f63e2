using System.Text;
using Parley.Tokenizer.Encoders.PreTokenizers;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Removes combining marks; stands after a decomposing form.</summary>
internal sealed class StripAccentsNormalizer : TextNormalizer
{
    public override string Normalize(string original)
    {
        if (Ascii.IsValid(original))
            return original;
        var marks = UnicodeClasses.RustMark;
        var result = new StringBuilder(original.Length);
        foreach (var rune in original.EnumerateRunes())
        {
            if (!marks.Contains(rune.Value))
                result.Append(rune);
        }

        return result.ToString();
    }
}
