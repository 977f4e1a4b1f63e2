using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>
/// SentencePiece's character map as the reference applies it: a short grapheme that begins with an entry is replaced as a whole, in
/// any other each character is looked up by itself.
/// </summary>
internal sealed class PrecompiledNormalizer(CharacterMap map) : TextNormalizer
{
    private const int GraphemeBytesEnd = 6;

    private readonly string?[] _ascii = CreateAscii(map);

    public override string Normalize(string original)
    {
        var result = new StringBuilder(original.Length);
        var text = original.AsSpan();
        for (var position = 0; position < text.Length;)
        {
            // An ASCII character before another one is a grapheme of its own, but for CR LF.
            if (text[position] < 128 && (position + 1 == text.Length || (text[position + 1] < 128 && text[position] != '\r')))
            {
                Append(_ascii[text[position]], text[position], result);
                position++;
                CheckLength(result.Length);
                continue;
            }

            var length = StringInfo.GetNextTextElementLength(text[position..]);
            AppendGrapheme(text.Slice(position, length), result);
            position += length;
            CheckLength(result.Length);
        }

        return result.Equals(text) ? original : result.ToString();
    }

    private static string?[] CreateAscii(CharacterMap map)
    {
        var table = new string?[128];
        for (var value = 0; value < table.Length; value++)
            table[value] = map.TryReplace([(byte)value], out var replacement) ? Encoding.UTF8.GetString(replacement) : null;
        return table;
    }

    private static void Append(string? replacement, char character, StringBuilder result)
    {
        if (replacement is null)
            result.Append(character);
        else
            result.Append(replacement);
    }

    private void AppendGrapheme(ReadOnlySpan<char> grapheme, StringBuilder result)
    {
        Span<byte> bytes = stackalloc byte[3 * GraphemeBytesEnd];
        if (grapheme.Length < GraphemeBytesEnd)
        {
            var count = Encoding.UTF8.GetBytes(grapheme, bytes);
            if (count < GraphemeBytesEnd && map.TryReplace(bytes[..count], out var whole))
            {
                result.Append(Encoding.UTF8.GetString(whole));
                return;
            }
        }

        foreach (var rune in grapheme.EnumerateRunes())
        {
            if (map.TryReplace(bytes[..rune.EncodeToUtf8(bytes)], out var replacement))
                result.Append(Encoding.UTF8.GetString(replacement));
            else
                result.Append(rune);
        }
    }
}
