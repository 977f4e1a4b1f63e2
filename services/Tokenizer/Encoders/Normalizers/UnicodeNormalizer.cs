using System.Globalization;
using System.Text;
using Parley.Tokenizer.Encoders.PreTokenizers;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>
/// NFC, NFD, NFKC, NFKD by the tables that the reference has, whatever Unicode version the runtime's are of: what is newer stays as it is
/// and parts what it stands between, as any character does that these tables do not know.
/// </summary>
internal sealed class UnicodeNormalizer(NormalizationForm form) : TextNormalizer
{
    private const char FirstInert = '\u0378';

    private static readonly CodePointSet Inert = UnicodeClasses.RustInert;

    /// <summary>Fails where the runtime cannot normalize: without ICU .NET returns texts as they are, and ids go wrong.</summary>
    /// <exception cref="InvalidDataException">The runtime has no Unicode tables.</exception>
    public static void CheckRuntime()
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC) != "\u00E9")
            throw new InvalidDataException("This model normalizes Unicode, but the runtime does not (InvariantGlobalization is on, "
                + "or libicu is missing): install libicu.");
    }

    public override string Normalize(string original)
    {
        if (Ascii.IsValid(original))
            return original;
        StringBuilder? result = null;
        var start = 0;
        for (var i = 0; i < original.Length; i++)
        {
            if (original[i] < FirstInert || !Rune.TryGetRuneAt(original, i, out var rune))
                continue;
            if (IsInert(rune))
            {
                (result ??= new StringBuilder(original.Length)).Append(original[start..i].Normalize(form)).Append(rune);
                start = i + rune.Utf16SequenceLength;
            }

            i += rune.Utf16SequenceLength - 1;
        }

        return result is null ? original.Normalize(form) : result.Append(original[start..].Normalize(form)).ToString();
    }

    private static bool IsInert(Rune rune) =>
        Inert.Contains(rune.Value) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherNotAssigned;
}
