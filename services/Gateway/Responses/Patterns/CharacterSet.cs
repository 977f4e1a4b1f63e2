using System.Globalization;
using System.Text;

namespace Parley.Gateway.Responses.Patterns;

/// <summary>A set of code points, as a pattern's character class has it; ASCII is answered from a table.</summary>
internal sealed class CharacterSet
{
    private readonly Func<int, bool> _holds;
    private readonly UInt128 _ascii;

    public CharacterSet(Func<int, bool> holds)
    {
        _holds = holds;
        for (var one = 0; one < 128; one++)
        {
            if (holds(one))
                _ascii |= UInt128.One << one;
        }
    }

    /// <summary>Every code point.</summary>
    public static CharacterSet All { get; } = new(_ => true);

    /// <summary>All but a line break.</summary>
    public static CharacterSet AllButBreak { get; } = new(one => one != '\n');

    /// <summary>Unicode's White_Space.</summary>
    public static CharacterSet Space { get; } = new(one => one is (>= 9 and <= 13) or ' ' or 0x85 or 0xA0 or 0x1680
        or (>= 0x2000 and <= 0x200A) or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000);

    /// <summary>Decimal digits of every script.</summary>
    public static CharacterSet Digit { get; } = new(one => CategoryOf(one) == UnicodeCategory.DecimalDigitNumber);

    /// <summary>What words are made of: letters, marks, digits, connectors, joiners, and letters in circles.</summary>
    public static CharacterSet Word { get; } = new(one => CategoryOf(one) is <= UnicodeCategory.LetterNumber
        or UnicodeCategory.ConnectorPunctuation || one is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
        or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189));

    public static CharacterSet Of(int one, bool ignoreCase) => ignoreCase ? new CharacterSet(other => other == one).AnyCase()
        : new CharacterSet(other => other == one);

    /// <summary>The general category of a code point; half a pair is a surrogate.</summary>
    public static UnicodeCategory CategoryOf(int one) =>
        Rune.IsValid(one) ? Rune.GetUnicodeCategory(new Rune(one)) : UnicodeCategory.Surrogate;

    public bool Holds(int one) => one < 128 ? (_ascii >> one & 1) != 0 : _holds(one);

    public CharacterSet Not() => new(one => !Holds(one));

    public CharacterSet Or(CharacterSet other) => new(one => Holds(one) || other.Holds(one));

    /// <summary>With each letter also in its other case.</summary>
    public CharacterSet AnyCase() => new(one => Holds(one)
        || (Rune.IsValid(one) && (Holds(Rune.ToLowerInvariant(new Rune(one)).Value) || Holds(Rune.ToUpperInvariant(new Rune(one)).Value))));
}
