using System.Globalization;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Reads a regular expression in the dialect of ECMA-262 with the flag u, and leniently where old patterns are not strict about it
/// (escapes of letters that need none). What no automaton of finite states can do, or what is not done here, is refused by name:
/// back references, look-around, word boundaries, and properties other than general categories.
/// </summary>
internal ref struct RegexParser
{
    private const int NestingMax = 200;
    private readonly ReadOnlySpan<char> _pattern;
    private int _at;
    private int _depth;

    private RegexParser(ReadOnlySpan<char> pattern) => _pattern = pattern;

    private readonly bool AtEnd => _at >= _pattern.Length;

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="GuideException">It is not a pattern of the dialect, or uses what is not supported.</exception>
    public static RegexTree Parse(string pattern)
    {
        var parser = new RegexParser(pattern);
        var tree = parser.Choice();
        if (!parser.AtEnd)
            throw parser.Fault("a closing bracket without its opening one");
        return tree;
    }

    private readonly GuideException Fault(string what) =>
        new("", $"the pattern '{(_pattern.Length > 200 ? string.Concat(_pattern[..200], "…") : _pattern)}' has {what} at character {_at}");

    private RegexTree Choice()
    {
        if (++_depth > NestingMax)
            throw Fault("too many nested groups");
        var members = new List<RegexTree> { Sequence() };
        while (!AtEnd && _pattern[_at] == '|')
        {
            _at++;
            members.Add(Sequence());
        }

        _depth--;
        return RegexTree.Choice(members);
    }

    private RegexTree Sequence()
    {
        var members = new List<RegexTree>();
        while (!AtEnd && _pattern[_at] is not ('|' or ')'))
            members.Add(Quantified(Atom()));
        return members.Count == 0 ? RegexTree.Empty : RegexTree.Sequence(members);
    }

    private RegexTree Quantified(RegexTree atom)
    {
        while (!AtEnd)
        {
            int min, max;
            switch (_pattern[_at])
            {
                case '*':
                    (min, max) = (0, -1);
                    break;
                case '+':
                    (min, max) = (1, -1);
                    break;
                case '?':
                    (min, max) = (0, 1);
                    break;
                case '{' when Counts(out min, out max, out var length):
                    _at += length - 1;
                    break;
                default:
                    return atom;
            }

            _at++;
            if (!AtEnd && _pattern[_at] == '?')
                _at++; // lazy or greedy: the language is the same
            if (atom.Kind is not (RegexKind.Begin or RegexKind.End))
                atom = RegexTree.Repeat(atom, min, max);
        }

        return atom;
    }

    private readonly bool Counts(out int min, out int max, out int length)
    {
        (min, max, length) = (0, -1, 0);
        var end = _pattern[_at..].IndexOf('}');
        if (end < 2)
            return false;
        var inside = _pattern.Slice(_at + 1, end - 1);
        var comma = inside.IndexOf(',');
        length = end + 1;
        var first = comma < 0 ? inside : inside[..comma];
        if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out min))
            return false;
        if (comma < 0)
            max = min;
        else if (comma < inside.Length - 1
            && !int.TryParse(inside[(comma + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out max))
            return false;
        if (max >= 0 && max < min)
            throw Fault("a repetition whose bounds are out of order");
        return true;
    }

    private RegexTree Atom()
    {
        var next = _pattern[_at];
        switch (next)
        {
            case '(':
                return Group();
            case '[':
                _at++;
                return RegexTree.Set(Class());
            case '.':
                _at++;
                return RegexTree.Set(RegexClasses.Dot);
            case '^':
                _at++;
                return RegexTree.Begin;
            case '$':
                _at++;
                return RegexTree.End;
            case '*' or '+' or '?':
                throw Fault("a quantifier with nothing before it");
            case '\\':
                if (_at + 1 < _pattern.Length && _pattern[_at + 1] is 'b' or 'B')
                    throw Fault("a word boundary (\\b), which is not supported");
                return RegexTree.Set(Escape(inClass: false));
            default:
                return RegexTree.Set(CodePoints.Single(CodePoint()));
        }
    }

    private RegexTree Group()
    {
        _at++;
        if (_pattern[_at..].StartsWith("?"))
        {
            var rest = _pattern[(_at + 1)..];
            if (rest.StartsWith(":"))
                _at += 2;
            else if (rest.StartsWith("=") || rest.StartsWith("!") || rest.StartsWith("<=") || rest.StartsWith("<!"))
                throw Fault("look-around ((?=, (?!, (?<), which is not supported");
            else if (rest.StartsWith("<") && rest.IndexOf('>') is > 1 and var close)
                _at += close + 2;
            else
                throw Fault("a group of an unknown kind");
        }

        var inside = Choice();
        if (AtEnd)
            throw Fault("a group that is not closed");
        _at++;
        return inside;
    }

    private CodePoints Class()
    {
        var negated = !AtEnd && _pattern[_at] == '^';
        if (negated)
            _at++;
        var characters = new List<(int, int)>();
        var rest = CodePoints.Empty;
        while (true)
        {
            if (AtEnd)
                throw Fault("a class that is not closed");
            if (_pattern[_at] == ']')
                break;
            var first = ClassMember();
            if (first.Single is { } low && _at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']')
            {
                var dash = _at++;
                var second = ClassMember();
                if (second.Single is { } high)
                {
                    if (high < low)
                        throw Fault("a range whose bounds are out of order");
                    characters.Add((low, high));
                    continue;
                }

                characters.Add((low, low));
                characters.Add(('-', '-'));
                rest = rest.Union(second.Set);
                _ = dash;
                continue;
            }

            rest = rest.Union(first.Set);
        }

        _at++;
        var all = CodePoints.Of(characters).Union(rest);
        return negated ? all.Complement() : all;
    }

    private (CodePoints Set, int? Single) ClassMember()
    {
        if (AtEnd)
            throw Fault("a class that is not closed");
        if (_pattern[_at] != '\\')
        {
            var codePoint = CodePoint();
            return (CodePoints.Single(codePoint), codePoint);
        }

        var set = Escape(inClass: true);
        return (set, set.Ranges is [var only] && only.First == only.Last ? only.First : null);
    }

    private int CodePoint()
    {
        var high = _pattern[_at++];
        if (char.IsHighSurrogate(high) && !AtEnd && char.IsLowSurrogate(_pattern[_at]))
            return char.ConvertToUtf32(high, _pattern[_at++]);
        return high;
    }

    private CodePoints Escape(bool inClass)
    {
        _at++;
        if (AtEnd)
            throw Fault("a backslash with nothing behind it");
        var next = _pattern[_at++];
        switch (next)
        {
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S':
                return RegexClasses.Named(next);
            case 'p' or 'P':
                return Property(next == 'P');
            case 't' or 'n' or 'v' or 'f' or 'r' or '0':
                return CodePoints.Single(next switch { 't' => 9, 'n' => 10, 'v' => 11, 'f' => 12, 'r' => 13, _ => 0 });
            case 'b' when inClass:
                return CodePoints.Single(8);
            case >= '1' and <= '9' when !inClass:
                throw Fault($"a back reference (\\{next}), which is not supported");
            case 'k' when !inClass:
                throw Fault("a back reference (\\k), which is not supported");
            case 'c' when !AtEnd && char.IsAsciiLetter(_pattern[_at]):
                return CodePoints.Single(_pattern[_at++] % 32);
            case 'x' when Hex(2) is { } code:
                return CodePoints.Single(code);
            case 'u':
                return CodePoints.Single(Unicode());
            case 'a' or 'e' or 'A' or 'Z' or 'z' or 'G':
                throw Fault($"\\{next}, which the dialect of ECMA-262 does not have");
            default:
                _at--;
                return CodePoints.Single(CodePoint());
        }
    }

    private int Unicode()
    {
        if (!AtEnd && _pattern[_at] == '{' && _pattern[_at..].IndexOf('}') is > 1 and var close
            && int.TryParse(_pattern.Slice(_at + 1, close - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out var braced)
            && braced <= CodePoints.Last)
        {
            _at += close + 1;
            return braced;
        }

        if (Hex(4) is not { } high)
            throw Fault("\\u without its digits");
        var before = _at;
        if (high is >= 0xD800 and < 0xDC00 && _pattern[_at..].StartsWith("\\u"))
        {
            _at += 2;
            if (Hex(4) is { } low and >= 0xDC00 and < 0xE000)
                return char.ConvertToUtf32((char)high, (char)low);
            _at = before;
        }

        return high;
    }

    private int? Hex(int digits)
    {
        if (_at + digits > _pattern.Length
            || !int.TryParse(_pattern.Slice(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return null;
        }

        _at += digits;
        return value;
    }

    private CodePoints Property(bool negated)
    {
        var close = AtEnd || _pattern[_at] != '{' ? -1 : _pattern[_at..].IndexOf('}');
        if (close < 2)
            throw Fault("\\p without its property");
        var name = _pattern.Slice(_at + 1, close - 1).ToString();
        var set = RegexClasses.Property(name) ?? throw Fault($"the property \\p{{{name}}}, which is not supported");
        _at += close + 1;
        return negated ? set.Complement() : set;
    }
}
