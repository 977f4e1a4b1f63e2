namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Removes white space at the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    public override string Normalize(string original) => (left, right) switch
    {
        (true, true) => original.Trim(),
        (true, false) => original.TrimStart(),
        (false, true) => original.TrimEnd(),
        _ => original,
    };

    public override bool DropsStart(string original) => left && original.Length > 0 && char.IsWhiteSpace(original[0]);
}
