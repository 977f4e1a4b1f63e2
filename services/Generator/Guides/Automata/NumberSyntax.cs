namespace Parley.Generator.Guides.Automata;

/// <summary>
/// How a number may be written: JSON's grammar, an exponent only in the scientific form (one digit that is not zero before the point) and
/// with three
/// digits at most.
/// </summary>
internal static class NumberSyntax
{
    /// <summary>The state of no number.</summary>
    public const byte Fault = 255;

    /// <summary>The state before the first byte.</summary>
    public const byte Start = 0;

    private const byte Minus = 1, Zero = 2, OneDigit = 3, Digits = 4, Point = 5, Fraction = 6, ShortPoint = 7, ShortFraction = 8,
        Exponent = 9, Sign = 10;
    private const byte ExponentDigit = 11, ExponentLast = 13;

    /// <summary>Whether a number may end in this state.</summary>
    public static bool MayEnd(byte state) =>
        state is Zero or OneDigit or Digits or Fraction or ShortFraction or (>= ExponentDigit and <= ExponentLast);

    /// <summary>Whether any number of digits may come before the point.</summary>
    public static bool MayGrow(byte state) => state is Start or Minus or OneDigit or Digits;

    /// <summary>The state behind one more byte, or <see cref="Fault"/>.</summary>
    public static byte Step(byte state, byte next)
    {
        var digit = next is >= (byte)'0' and <= (byte)'9';
        var exponent = next is (byte)'e' or (byte)'E';
        return state switch
        {
            Start when next == '-' => Minus,
            Start or Minus when next == '0' => Zero,
            Start or Minus when digit => OneDigit,
            Zero or Digits when next == '.' => Point,
            OneDigit when next == '.' => ShortPoint,
            OneDigit or Digits when digit => Digits,
            OneDigit or ShortFraction when exponent => Exponent,
            Point or Fraction when digit => Fraction,
            ShortPoint or ShortFraction when digit => ShortFraction,
            Exponent when next is (byte)'+' or (byte)'-' => Sign,
            Exponent or Sign when digit => ExponentDigit,
            >= ExponentDigit and < ExponentLast when digit => (byte)(state + 1),
            _ => Fault,
        };
    }
}
