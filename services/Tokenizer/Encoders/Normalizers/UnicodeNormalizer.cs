using System.Text;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>NFC, NFD, NFKC, NFKD.</summary>
internal sealed class UnicodeNormalizer(NormalizationForm form) : TextNormalizer
{
    /// <summary>Fails where the runtime cannot normalize: without ICU .NET returns texts as they are, and ids go wrong.</summary>
    /// <exception cref="InvalidDataException">The runtime has no Unicode tables.</exception>
    public static void CheckRuntime()
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC) != "\u00E9")
            throw new InvalidDataException("This model normalizes Unicode, but the runtime does not (InvariantGlobalization is on, "
                + "or libicu is missing): install libicu.");
    }

    public override string Normalize(string original) => Ascii.IsValid(original) ? original : original.Normalize(form);
}
