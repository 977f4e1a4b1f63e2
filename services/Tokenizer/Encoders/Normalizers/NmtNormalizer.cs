namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Drops control characters and turns what counts as white space into spaces, by the list of the reference.</summary>
internal sealed class NmtNormalizer : TextNormalizer
{
    public override string Normalize(string original)
    {
        var result = new System.Text.StringBuilder(original.Length);
        foreach (var character in original)
        {
            if (!IsDropped(character))
                result.Append(IsSpace(character) ? ' ' : character);
        }

        return result.ToString();
    }

    public override bool DropsStart(string original) => original.Length > 0 && IsDropped(original[0]);

    private static bool IsDropped(char value) =>
        value is (>= '\u0001' and <= '\u0008') or '\u000B' or (>= '\u000E' and <= '\u001F') or '\u007F' or '\u008F' or '\u009F';

    private static bool IsSpace(char value) =>
        value is '\t' or '\n' or '\f' or '\r' or '\u1680' or (>= '\u200B' and <= '\u200F') or '\u2028' or '\u2029' or '\u2581'
            or '\uFEFF' or '\uFFFD';
}
