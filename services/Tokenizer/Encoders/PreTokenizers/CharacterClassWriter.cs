using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>Writes a set of the basic plane as a character class of .NET's, by whole categories as far as it has them.</summary>
internal static class CharacterClassWriter
{
    private const int BmpLast = 0xFFFF;

    // In the order of UnicodeCategory; .NET writes them in the same two letters.
    private static readonly string[] Names =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly Lazy<(string Name, CodePointSet Set)[]> Categories = new(() =>
    {
        var ranges = Names.Select(_ => new List<(int First, int Last)>()).ToArray();
        for (var value = 0; value <= BmpLast; value++)
            ranges[(int)char.GetUnicodeCategory((char)value)].Add((value, value));
        var sets = ranges.Select(CodePointSet.Of).ToArray();
        // Whole groups first: fewer tests for each character.
        return
        [
            .. Names.Select(name => name[..1]).Distinct().Where(name => name != "C").Select(name => (name, CodePointSet.Of(
                Names.Index().Where(item => item.Item[0] == name[0]).SelectMany(item => sets[item.Index].Ranges)))),
            .. Names.Zip(sets),
        ];
    });

    /// <summary>The class of a set, which is not written as a class where it is one character.</summary>
    public static string Write(CodePointSet set)
    {
        if (set.Bounds is [var only, var next] && next == only + 1)
            return Escaped(only);
        var outside = CodePointSet.Of(0, BmpLast).Except(set);
        if (outside.Bounds.IsEmpty)
            return @"[\s\S]";
        if (set.Bounds.IsEmpty)
            return @"[^\s\S]";
        var (members, others) = (Members(set), Members(outside));
        return members.Length <= others.Length ? $"[{members}]" : $"[^{others}]";
    }

    private static string Members(CodePointSet set)
    {
        var members = new StringBuilder();
        foreach (var (name, category) in Categories.Value)
        {
            // The first look spares nearly all of the second.
            if (category.Bounds.IsEmpty || !set.Contains(category.Bounds[0]) || !category.Except(set).Bounds.IsEmpty)
                continue;
            members.Append(CultureInfo.InvariantCulture, $@"\p{{{name}}}");
            set = set.Except(category);
        }

        foreach (var (first, last) in set.Ranges)
        {
            members.Append(Escaped(first));
            if (last > first)
                members.Append('-').Append(Escaped(last));
        }

        return members.ToString();
    }

    private static string Escaped(int value) => value < 128 && char.IsAsciiLetterOrDigit((char)value)
        ? ((char)value).ToString()
        : string.Create(CultureInfo.InvariantCulture, $"\\u{value:X4}");
}
