using System.Buffers;
using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>The four classes that the common split patterns tell apart.</summary>
internal static class CharacterClass
{
    public const byte Other = 0;
    public const byte Letter = 1;
    public const byte Number = 2;
    public const byte Space = 4;
    public const byte LineBreak = 8 | Space;

    private static readonly byte[] Table = CreateTable();

    /// <summary>The class of the character at an index, and how many code units it has.</summary>
    public static byte At(ReadOnlySpan<char> text, int index, out int length)
    {
        var value = text[index];
        length = 1;
        if (!char.IsHighSurrogate(value) || Rune.DecodeFromUtf16(text[index..], out var rune, out length) != OperationStatus.Done)
            return Table[value];
        return Of(Rune.GetUnicodeCategory(rune));
    }

    private static byte Of(UnicodeCategory category) => category switch
    {
        <= UnicodeCategory.OtherLetter => Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
        _ => Other,
    };

    private static byte[] CreateTable()
    {
        var table = new byte[char.MaxValue + 1];
        for (var value = 0; value <= char.MaxValue; value++)
        {
            var letter = (char)value;
            table[value] = letter is '\r' or '\n' ? LineBreak : char.IsWhiteSpace(letter) ? Space : Of(char.GetUnicodeCategory(letter));
        }

        return table;
    }
}
