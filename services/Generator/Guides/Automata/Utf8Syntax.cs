namespace Parley.Generator.Guides.Automata;

/// <summary>Well-formed UTF-8, byte by byte.</summary>
internal static class Utf8Syntax
{
    /// <summary>The state of no text.</summary>
    public const byte Fault = 255;

    /// <summary>Between two characters.</summary>
    public const byte Between = 0;

    /// <summary>How many states there are.</summary>
    public const int States = 8;

    private const byte One = 1, Two = 2, Three = 3, AfterE0 = 4, AfterEd = 5, AfterF0 = 6, AfterF4 = 7;

    /// <summary>The state behind one more byte, or <see cref="Fault"/>.</summary>
    public static byte Step(byte state, byte next) => state switch
    {
        Between => next switch
        {
            < 0x80 => Between,
            >= 0xC2 and <= 0xDF => One,
            0xE0 => AfterE0,
            0xED => AfterEd,
            >= 0xE1 and <= 0xEF => Two,
            0xF0 => AfterF0,
            >= 0xF1 and <= 0xF3 => Three,
            0xF4 => AfterF4,
            _ => Fault,
        },
        One when next is >= 0x80 and <= 0xBF => Between,
        Two when next is >= 0x80 and <= 0xBF => One,
        Three when next is >= 0x80 and <= 0xBF => Two,
        AfterE0 when next is >= 0xA0 and <= 0xBF => One,
        AfterEd when next is >= 0x80 and <= 0x9F => One,
        AfterF0 when next is >= 0x90 and <= 0xBF => Two,
        AfterF4 when next is >= 0x80 and <= 0x8F => Two,
        _ => Fault,
    };
}
