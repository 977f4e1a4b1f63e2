using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// The classes of characters that expressions name, as Oniguruma and Rust's crates have them. General categories are those of .NET, which
/// has the same Unicode version; binary properties, scripts and what is Rust's own come from the table beside this file.
/// </summary>
internal static class UnicodeClasses
{
    private static readonly string[] Categories =
    [
        "Lu Uppercase_Letter", "Ll Lowercase_Letter", "Lt Titlecase_Letter", "Lm Modifier_Letter", "Lo Other_Letter", "Mn Nonspacing_Mark",
        "Mc Spacing_Mark", "Me Enclosing_Mark", "Nd Decimal_Number Digit", "Nl Letter_Number", "No Other_Number", "Zs Space_Separator",
        "Zl Line_Separator", "Zp Paragraph_Separator", "Cc Control Cntrl", "Cf Format", "Cs Surrogate", "Co Private_Use",
        "Pc Connector_Punctuation", "Pd Dash_Punctuation", "Ps Open_Punctuation", "Pe Close_Punctuation", "Pi Initial_Punctuation",
        "Pf Final_Punctuation", "Po Other_Punctuation", "Sm Math_Symbol", "Sc Currency_Symbol", "Sk Modifier_Symbol", "So Other_Symbol",
        "Cn Unassigned",
    ];

    private static readonly string[] Groups =
        ["L Letter", "M Mark Combining_Mark", "N Number", "P Punctuation Punct", "S Symbol", "Z Separator", "C Other"];

    private static readonly Lazy<Dictionary<string, string>> Table = new(ReadTable);

    private static readonly Lazy<CodePointSet[]> CategorySets = new(() =>
    {
        var ranges = Categories.Select(_ => new List<(int First, int Last)>()).ToArray();
        for (var point = 0; point <= CodePointSet.Last; point++)
        {
            var list = ranges[(int)CharUnicodeInfo.GetUnicodeCategory(point)];
            if (list.Count > 0 && list[^1].Last == point - 1)
                list[^1] = (list[^1].First, point);
            else
                list.Add((point, point));
        }

        return [.. ranges.Select(CodePointSet.Of)];
    });

    private static readonly ConcurrentDictionary<string, CodePointSet?> Known = new(StringComparer.Ordinal);

    /// <summary>White space: separators, the controls from tab to carriage return, and next line.</summary>
    public static CodePointSet Space => Named("Space");

    /// <summary>A word's characters within brackets; Oniguruma has six more of Latin-1 outside of them.</summary>
    public static CodePointSet Word => Named("Word in brackets");

    /// <summary>A word's characters outside of brackets.</summary>
    public static CodePointSet WordAlone => Named("Word");

    /// <summary>What Rust's regex calls a word's character.</summary>
    public static CodePointSet RustWord => Named("rust word");

    /// <summary>What Rust calls numeric.</summary>
    public static CodePointSet RustNumeric => Named("rust numeric");

    /// <summary>What tokenizers' own pre-tokenizers call punctuation: of an older Unicode, and ASCII's symbols.</summary>
    public static CodePointSet RustPunctuation => Named("rust punctuation");

    /// <summary>What Rust's <c>StripAccents</c> takes for a combining mark, by older tables than .NET's.</summary>
    public static CodePointSet RustMark => Named("rust mark");

    /// <summary>
    /// Characters that are newer than the tables by which Rust normalizes: there they neither change nor touch their neighbours. Those
    /// that .NET does not know either are not listed.
    /// </summary>
    public static CodePointSet RustInert => Named("rust inert");

    /// <summary>The class of a name as in <c>\p{name}</c>, whatever its case, spaces, hyphens and underscores; null for none.</summary>
    public static CodePointSet? Find(string name) => Known.GetOrAdd(Plain(name), static plain => Make(plain));

    /// <summary>The class of a name as in <c>[:name:]</c>; null for none.</summary>
    public static CodePointSet? FindPosix(string name) => name switch
    {
        "alnum" or "alpha" or "ascii" or "blank" or "cntrl" or "digit" or "graph" or "lower" or "print" or "space" or "upper" or "xdigit" =>
            Named(name),
        "punct" => Named("PosixPunct"),
        "word" => Word,
        _ => null,
    };

    private static CodePointSet Named(string name) =>
        Find(name) ?? throw new InvalidOperationException($"There is no class \"{name}\".");

    private static CodePointSet? Make(string plain)
    {
        var category = Array.FindIndex(Categories, names => names.Split(' ').Any(name => Plain(name) == plain));
        if (category >= 0)
            return CategorySets.Value[category];
        if (Groups.FirstOrDefault(names => names.Split(' ').Any(name => Plain(name) == plain)) is { } group)
            return Union(Categories.Select(names => names[..2]).Where(name => name[0] == group[0]));
        if (Table.Value.TryGetValue(plain, out var ranges))
            return Parse(ranges);
        return plain switch
        {
            "any" => CodePointSet.All,
            "assigned" => Named("Cn").Complement(),
            "ascii" => CodePointSet.Of(0, 0x7F),
            "lc" or "casedletter" => Union(["Lu", "Ll", "Lt"]),
            "alnum" => Union(["Alphabetic", "Nd"]),
            "alpha" => Named("Alphabetic"),
            "blank" => Named("Zs").Union(CodePointSet.Of('\t', '\t')),
            "graph" => Union(["Space", "Cc", "Cn", "Cs"]).Complement(),
            "lower" => Named("Lowercase"),
            "upper" => Named("Uppercase"),
            "posixpunct" => Union(["P", "S"]),
            "print" => Union(["Graph", "Zs"]),
            "space" or "whitespace" => Named("Z").Union(CodePointSet.Of([(9, 13), (0x85, 0x85)])),
            "xdigit" or "asciihexdigit" => CodePointSet.Of([('0', '9'), ('A', 'F'), ('a', 'f')]),
            "wordinbrackets" => Union(["Alphabetic", "M", "Nd", "Pc"]),
            "word" => Word.Union(CodePointSet.Of([(0xB2, 0xB3), (0xB9, 0xB9), (0xBC, 0xBE)])),
            _ => null,
        };
    }

    private static CodePointSet Union(IEnumerable<string> names) => CodePointSet.Of(names.SelectMany(name => Named(name).Ranges));

    private static CodePointSet Parse(string ranges) => CodePointSet.Of(
        ranges.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(range => range.Split('-'))
            .Select(bounds => (Number(bounds[0]), Number(bounds[^1]))));

    private static int Number(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string Plain(string name)
    {
        var plain = new StringBuilder(name.Length);
        foreach (var value in name)
        {
            if (value is not (' ' or '_' or '-'))
                plain.Append(char.ToLowerInvariant(value));
        }

        return plain.ToString();
    }

    private static Dictionary<string, string> ReadTable()
    {
        using var stream = typeof(UnicodeClasses).Assembly.GetManifestResourceStream("UnicodeClasses.txt")!;
        using var reader = new StreamReader(stream);
        var table = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = Array.Empty<string>();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;
            var ranges = line;
            if (!line.StartsWith(' '))
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                names = [.. line[..colon].Split('=').Select(Plain)];
                ranges = line[(colon + 1)..];
            }

            foreach (var name in names)
                table[name] = table.GetValueOrDefault(name, "") + " " + ranges;
        }

        return table;
    }
}
