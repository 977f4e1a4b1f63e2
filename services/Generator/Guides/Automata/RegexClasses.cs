using System.Collections.Concurrent;
using System.Globalization;

namespace Parley.Generator.Guides.Automata;

/// <summary>The character classes that regular expressions of ECMA-262 name.</summary>
internal static class RegexClasses
{
    private static readonly ConcurrentDictionary<string, CodePoints?> Properties = new();

    private static readonly CodePoints Digit = CodePoints.Of(('0', '9'));

    private static readonly CodePoints Word = CodePoints.Of(('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_'));

    private static readonly CodePoints Space = CodePoints.Of(
        (9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F),
        (0x3000, 0x3000), (0xFEFF, 0xFEFF));

    /// <summary>What the dot matches: all but the line terminators.</summary>
    public static CodePoints Dot { get; } = CodePoints.Of((10, 10), (13, 13), (0x2028, 0x2029)).Complement();

    /// <summary>The class of <c>\d \w \s</c> or of their capitals.</summary>
    public static CodePoints Named(char letter) => letter switch
    {
        'd' => Digit,
        'w' => Word,
        's' => Space,
        'D' => Digit.Complement(),
        'W' => Word.Complement(),
        _ => Space.Complement(),
    };

    /// <summary>The class of <c>\p{name}</c> for a general category, by its short or long name; null for anything else.</summary>
    public static CodePoints? Property(string name)
    {
        foreach (var prefix in (string[])["General_Category=", "gc="])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                name = name[prefix.Length..];
        }

        return Properties.GetOrAdd(name, Read);
    }

    private static CodePoints? Read(string name) => name switch
    {
        "Any" => CodePoints.All,
        "ASCII" => CodePoints.Of((0, 127)),
        "L" or "Letter" => Of(0, 4),
        "LC" or "Cased_Letter" => Of(0, 2),
        "Lu" or "Uppercase_Letter" => Of(0, 0),
        "Ll" or "Lowercase_Letter" => Of(1, 1),
        "Lt" or "Titlecase_Letter" => Of(2, 2),
        "Lm" or "Modifier_Letter" => Of(3, 3),
        "Lo" or "Other_Letter" => Of(4, 4),
        "M" or "Mark" or "Combining_Mark" => Of(5, 7),
        "Mn" or "Nonspacing_Mark" => Of(5, 5),
        "Mc" or "Spacing_Mark" => Of(6, 6),
        "Me" or "Enclosing_Mark" => Of(7, 7),
        "N" or "Number" => Of(8, 10),
        "Nd" or "Decimal_Number" or "digit" => Of(8, 8),
        "Nl" or "Letter_Number" => Of(9, 9),
        "No" or "Other_Number" => Of(10, 10),
        "Z" or "Separator" => Of(11, 13),
        "Zs" or "Space_Separator" => Of(11, 11),
        "Zl" or "Line_Separator" => Of(12, 12),
        "Zp" or "Paragraph_Separator" => Of(13, 13),
        "Cc" or "Control" or "cntrl" => Of(14, 14),
        "Cf" or "Format" => Of(15, 15),
        "P" or "Punctuation" or "punct" => Of(18, 24),
        "Pc" or "Connector_Punctuation" => Of(18, 18),
        "Pd" or "Dash_Punctuation" => Of(19, 19),
        "Ps" or "Open_Punctuation" => Of(20, 20),
        "Pe" or "Close_Punctuation" => Of(21, 21),
        "Pi" or "Initial_Punctuation" => Of(22, 22),
        "Pf" or "Final_Punctuation" => Of(23, 23),
        "Po" or "Other_Punctuation" => Of(24, 24),
        "S" or "Symbol" => Of(25, 28),
        "Sm" or "Math_Symbol" => Of(25, 25),
        "Sc" or "Currency_Symbol" => Of(26, 26),
        "Sk" or "Modifier_Symbol" => Of(27, 27),
        "So" or "Other_Symbol" => Of(28, 28),
        _ => null,
    };

    /// <summary>Categories by their numbers in <see cref="UnicodeCategory"/>.</summary>
    private static CodePoints Of(int first, int last)
    {
        var ranges = new List<(int, int)>();
        var from = -1;
        for (var codePoint = 0; codePoint <= CodePoints.Last + 1; codePoint++)
        {
            var inside = codePoint <= CodePoints.Last && (int)CharUnicodeInfo.GetUnicodeCategory(codePoint) is var category
                && category >= first && category <= last;
            if (inside && from < 0)
                from = codePoint;
            if (!inside && from >= 0)
            {
                ranges.Add((from, codePoint - 1));
                from = -1;
            }
        }

        return CodePoints.Of(ranges);
    }
}
