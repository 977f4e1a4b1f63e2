using System.Globalization;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>Reads what stands for characters in an expression of Oniguruma's syntax: literals, escapes, classes in brackets.</summary>
internal sealed class PatternReader(string pattern)
{
    private const int NestingMax = 100;

    public int Position { get; set; }

    public bool IsAtEnd => Position >= pattern.Length;

    public char Current => pattern[Position];

    public ReadOnlySpan<char> Rest => pattern.AsSpan(Position);

    /// <summary>Reads a literal or an escape.</summary>
    /// <param name="inBrackets">Within a class, where some escapes mean something else.</param>
    /// <param name="point">The character, or −1 for a class.</param>
    /// <returns>The class, or the character as one.</returns>
    public CodePointSet ReadCharacter(bool inBrackets, out int point)
    {
        if (Current != '\\' || Position + 1 >= pattern.Length)
        {
            var isPair = Position + 1 < pattern.Length && char.IsSurrogatePair(pattern, Position);
            point = isPair ? char.ConvertToUtf32(pattern, Position) : Current;
            Position += isPair ? 2 : 1;
            return CodePointSet.Of(point, point);
        }

        var letter = pattern[Position + 1];
        Position += 2;
        point = -1;
        if (ReadClassEscape(letter, inBrackets) is { } set)
            return set;
        point = letter switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'a' => '\a',
            'e' => 27,
            'b' when inBrackets => '\b',
            'u' or 'x' => ReadHex(letter),
            '0' => ReadOctal(),
            _ when char.IsAsciiLetterOrDigit(letter) => throw new ArgumentException($@"the escape \{letter} is not supported"),
            _ => letter,
        };
        return CodePointSet.Of(point, point);
    }

    /// <summary>Reads a class, at its opening bracket.</summary>
    /// <param name="ignoresCase">Members in either case belong to it.</param>
    public CodePointSet ReadBrackets(bool ignoresCase) => ReadBrackets(ignoresCase, depth: 0);

    private CodePointSet ReadBrackets(bool ignoresCase, int depth)
    {
        if (depth > NestingMax)
            throw new ArgumentException($"classes are nested deeper than {NestingMax}");
        Position++;
        var isNegated = !IsAtEnd && Current == '^';
        if (isNegated)
            Position++;
        CodePointSet? common = null;
        var ranges = new List<(int First, int Last)>();
        for (var isFirst = true; ; isFirst = false)
        {
            if (IsAtEnd)
                throw new ArgumentException("a class [ is not closed");
            if (Current == ']' && !isFirst)
                break;
            if (Rest.StartsWith("&&"))
            {
                Position += 2;
                common = common is null ? CodePointSet.Of(ranges) : common.Intersect(CodePointSet.Of(ranges));
                ranges.Clear();
            }
            else if (Current == '[')
            {
                ranges.AddRange((ReadPosix() ?? ReadBrackets(ignoresCase: false, depth + 1)).Ranges);
            }
            else
            {
                ranges.AddRange(ReadMember().Ranges);
            }
        }

        Position++;
        var set = CodePointSet.Of(ranges);
        if (common is not null)
            set = common.Intersect(set);
        // In this order, and only for the outermost: as Oniguruma.
        if (ignoresCase)
            set = CaseFolding.Close(set);
        return isNegated ? set.Complement() : set;
    }

    private CodePointSet? ReadPosix()
    {
        if (!Rest.StartsWith("[:"))
            return null;
        var end = Rest.IndexOf(":]", StringComparison.Ordinal);
        if (end < 0)
            return null;
        var name = Rest[2..end];
        var isNegated = name.StartsWith("^");
        var set = UnicodeClasses.FindPosix(name[(isNegated ? 1 : 0)..].ToString());
        if (set is null)
            return null;
        Position += end + 2;
        return isNegated ? set.Complement() : set;
    }

    private CodePointSet ReadMember()
    {
        var set = ReadCharacter(inBrackets: true, out var first);
        if (first < 0 || Position + 1 >= pattern.Length || Current != '-' || pattern[Position + 1] is ']' or '[')
            return set;
        var mark = Position++;
        ReadCharacter(inBrackets: true, out var last);
        if (last < 0)
        {
            Position = mark;
            return set;
        }

        return last >= first ? CodePointSet.Of(first, last) : throw new ArgumentException("a range in a class ends before it starts");
    }

    private CodePointSet? ReadClassEscape(char letter, bool inBrackets)
    {
        if (letter is 'p' or 'P' && !IsAtEnd && Current == '{')
            return ReadProperty(letter == 'P', inBrackets);
        var set = char.ToLowerInvariant(letter) switch
        {
            'w' => inBrackets ? UnicodeClasses.Word : UnicodeClasses.WordAlone,
            'd' => UnicodeClasses.Find("Nd"),
            's' => UnicodeClasses.Space,
            'h' => UnicodeClasses.Find("XDigit"),
            _ => null,
        };
        if (set is not null)
            return char.IsAsciiLetterUpper(letter) ? set.Complement() : set;
        return (letter, inBrackets) switch
        {
            ('N', false) => CodePointSet.Of('\n', '\n').Complement(),
            ('O', false) => CodePointSet.All,
            _ => null,
        };
    }

    private CodePointSet ReadProperty(bool isNegated, bool inBrackets)
    {
        var end = Rest.IndexOf('}');
        if (end < 0)
            throw new ArgumentException(@"\p{ is not closed");
        var name = Rest[1..end].ToString();
        Position += end + 1;
        if (name.StartsWith('^'))
            (isNegated, name) = (!isNegated, name[1..]);
        var set = UnicodeClasses.Find(name) ?? throw new ArgumentException($@"the property \p{{{name}}} is not known");
        if (inBrackets && ReferenceEquals(set, UnicodeClasses.WordAlone))
            set = UnicodeClasses.Word;
        return isNegated ? set.Complement() : set;
    }

    private int ReadHex(char letter)
    {
        var isBraced = letter == 'x' && !IsAtEnd && Current == '{';
        var from = isBraced ? Position + 1 : Position;
        var end = isBraced ? pattern.IndexOf('}', Position) : from;
        var lengthMax = letter == 'u' ? 4 : 2;
        while (!isBraced && end < pattern.Length && end - from < lengthMax && char.IsAsciiHexDigit(pattern[end]))
            end++;
        if (end <= from || (letter == 'u' && end - from < 4)
            || !int.TryParse(pattern.AsSpan(from, end - from), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point)
            || point is < 0 or > CodePointSet.Last)
            throw new ArgumentException($@"\{letter} is not followed by a code point");
        Position = isBraced ? end + 1 : end;
        return point;
    }

    private int ReadOctal()
    {
        var value = 0;
        for (var digits = 0; digits < 2 && !IsAtEnd && Current is >= '0' and <= '7'; digits++)
            value = (8 * value) + (pattern[Position++] - '0');
        return value;
    }
}
