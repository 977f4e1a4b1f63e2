using System.Collections.Frozen;
using System.Globalization;

namespace Parley.Gateway.Responses.Patterns;

/// <summary>Unicode's general categories by their short names, as <c>\p{Lu}</c> and <c>\p{L}</c> name them.</summary>
internal static class PatternCategories
{
    /// <summary>In the order of <see cref="UnicodeCategory"/>.</summary>
    private static readonly string[] Names =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps",
        "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly FrozenDictionary<string, CharacterSet> Sets = Names
        .Concat(Names.Select(name => name[..1]).Distinct())
        .ToFrozenDictionary(
            name => name,
            name => new CharacterSet(one => Names[(int)CharacterSet.CategoryOf(one)].StartsWith(name, StringComparison.Ordinal)),
            StringComparer.Ordinal);

    /// <summary>The set of a name; null where there is none.</summary>
    public static CharacterSet? Find(string name) => Sets.GetValueOrDefault(name);
}
