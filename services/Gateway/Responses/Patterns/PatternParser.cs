using System.Globalization;

namespace Parley.Gateway.Responses.Patterns;

/// <summary>
/// Reads a regular expression as Python's <c>regex</c> does with DOTALL. What cannot be matched while text comes in (atomic groups,
/// possessive quantifiers, recursion) is refused by name.
/// </summary>
internal sealed class PatternParser
{
    private const int RepeatsMax = 1000;
    private const int DepthMax = 100;

    private readonly string _text;
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private int _at;
    private int _groups;
    private int _depth;
    private bool _ignoreCase;
    private bool _isMultiline;
    private bool _dotIsAll = true;
    private bool _isVerbose;

    private PatternParser(string text) => _text = text;

    /// <summary>The tree, and the numbers of the groups that have names.</summary>
    /// <exception cref="PatternException">It is no pattern, or one of a kind that is refused.</exception>
    public static (PatternNode Root, IReadOnlyDictionary<string, int> Names) Parse(string text)
    {
        var parser = new PatternParser(text);
        var root = parser.ParseChoice();
        if (parser._at < text.Length)
            throw parser.Fault("a group ends that was not begun");
        return (root, parser._names);
    }

    private PatternNode ParseChoice()
    {
        if (++_depth > DepthMax)
            throw Fault($"it is nested more than {DepthMax} levels deep");
        var flags = (_ignoreCase, _isMultiline, _dotIsAll, _isVerbose);
        var ways = new List<PatternNode> { ParseSequence() };
        while (_at < _text.Length && _text[_at] == '|')
        {
            _at++;
            ways.Add(ParseSequence());
        }

        if (_depth-- > 1)
            (_ignoreCase, _isMultiline, _dotIsAll, _isVerbose) = flags;
        return ways.Count == 1 ? ways[0] : new PatternNode.Choice(ways);
    }

    private PatternNode ParseSequence()
    {
        var parts = new List<PatternNode>();
        while (_at < _text.Length && _text[_at] is not ('|' or ')'))
        {
            if (_isVerbose && SkipComment())
                continue;
            if (ParseAtom() is not { } atom)
                continue;
            parts.Add(ParseQuantifiers(atom));
        }

        return parts.Count == 1 ? parts[0] : parts.Count == 0 ? new PatternNode.Empty() : new PatternNode.Sequence(parts);
    }

    private bool SkipComment()
    {
        if (char.IsWhiteSpace(_text[_at]))
        {
            _at++;
            return true;
        }

        if (_text[_at] != '#')
            return false;
        var end = _text.IndexOf('\n', _at);
        _at = end < 0 ? _text.Length : end + 1;
        return true;
    }

    private PatternNode ParseQuantifiers(PatternNode atom)
    {
        for (var isFirst = true; _at < _text.Length; isFirst = false)
        {
            int least;
            int? most = null;
            if (_text[_at] is '*' or '+' or '?')
                (least, most) = (_text[_at] == '+' ? 1 : 0, _text[_at++] == '?' ? 1 : null);
            else if (_text[_at] != '{' || !TryParseCounts(out least, out most))
                break;
            if (!isFirst)
                throw Fault("a quantifier follows another");
            var isLazy = _at < _text.Length && _text[_at] == '?';
            if (isLazy)
                _at++;
            else if (_at < _text.Length && _text[_at] == '+')
                throw Fault("possessive quantifiers are not supported");
            atom = new PatternNode.Repeat(atom, least, most, isLazy);
        }

        return atom;
    }

    /// <summary>Counts in braces; what only looks like them is text.</summary>
    private bool TryParseCounts(out int least, out int? most)
    {
        (least, most) = (0, null);
        var end = _text.IndexOf('}', _at);
        if (end < 0)
            return false;
        var parts = _text[(_at + 1)..end].Split(',');
        if (parts.Length > 2 || (parts[0].Length == 0 && parts[^1].Length == 0) || !parts.All(part => part.All(char.IsAsciiDigit)))
            return false;
        if (parts.Any(part => part.Length > 4))
            throw Fault($"at most {RepeatsMax} repeats are supported");
        least = parts[0].Length == 0 ? 0 : int.Parse(parts[0], CultureInfo.InvariantCulture);
        most = parts.Length == 1 ? least : parts[1].Length == 0 ? null : int.Parse(parts[1], CultureInfo.InvariantCulture);
        if (Math.Max(least, most ?? 0) > RepeatsMax)
            throw Fault($"at most {RepeatsMax} repeats are supported");
        if (most < least)
            throw Fault("a count's end is below its beginning");
        _at = end + 1;
        return true;
    }

    /// <summary>One element; null for what is none, such as a comment or flags.</summary>
    private PatternNode? ParseAtom()
    {
        var one = NextCodePoint();
        switch (one)
        {
            case '(':
                return ParseGroup();
            case '[':
                return new PatternNode.One(ParseClass());
            case '.':
                return new PatternNode.One(_dotIsAll ? CharacterSet.All : CharacterSet.AllButBreak);
            case '^':
                return new PatternNode.Place(_isMultiline ? PatternPlace.LineStart : PatternPlace.Start);
            case '$':
                return new PatternNode.Place(_isMultiline ? PatternPlace.LineEnd : PatternPlace.EndOrLastBreak);
            case '\\':
                return ParseEscape();
            case '*' or '+' or '?':
                throw Fault("there is nothing to repeat");
            default:
                return Literal(one);
        }
    }

    private PatternNode.One Literal(int one) => new(CharacterSet.Of(one, _ignoreCase));

    private PatternNode? ParseGroup()
    {
        if (!Take("?"))
            return Capture(++_groups);
        if (Take("#"))
        {
            var end = _text.IndexOf(')', _at);
            _at = end < 0 ? throw Fault("a comment does not end") : end + 1;
            return null;
        }

        if (Take(":"))
            return Close(ParseChoice());
        if (Take("="))
            return new PatternNode.Look(Close(ParseChoice()), IsAhead: true, IsNegative: false);
        if (Take("!"))
            return new PatternNode.Look(Close(ParseChoice()), IsAhead: true, IsNegative: true);
        if (Take("<="))
            return new PatternNode.Look(Close(ParseChoice()), IsAhead: false, IsNegative: false);
        if (Take("<!"))
            return new PatternNode.Look(Close(ParseChoice()), IsAhead: false, IsNegative: true);
        if (Take("P="))
            return Reference(TakeName(')'));
        if (Take("P<") || Take("<"))
        {
            var name = TakeName('>');
            if (!_names.TryGetValue(name, out var number))
                _names[name] = number = ++_groups;
            return Capture(number);
        }

        return ParseFlags();
    }

    private PatternNode.Group Capture(int number) => new(Close(ParseChoice()), number);

    private PatternNode Close(PatternNode body) => Take(")") ? body : throw Fault("a group does not end");

    private PatternNode.Reference Reference(string name) => _names.TryGetValue(name, out var number)
        ? new PatternNode.Reference(number)
        : throw Fault($"there is no group '{name}' before its reference");

    private string TakeName(char end)
    {
        var stop = _text.IndexOf(end, _at);
        var name = stop < 0 ? "" : _text[_at..stop];
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(one => one == '_' || char.IsLetterOrDigit(one)))
            throw Fault("a group's name is missing or none");
        _at = stop + 1;
        return name;
    }

    private PatternNode? ParseFlags()
    {
        var flags = (_ignoreCase, _isMultiline, _dotIsAll, _isVerbose);
        for (var isOn = true; _at < _text.Length;)
        {
            switch (_text[_at++])
            {
                case '-':
                    isOn = false;
                    break;
                case 'i':
                    _ignoreCase = isOn;
                    break;
                case 'm':
                    _isMultiline = isOn;
                    break;
                case 's':
                    _dotIsAll = isOn;
                    break;
                case 'x':
                    _isVerbose = isOn;
                    break;
                case 'u':
                    break;
                case ')':
                    return null;
                case ':':
                    var body = Close(ParseChoice());
                    (_ignoreCase, _isMultiline, _dotIsAll, _isVerbose) = flags;
                    return body;
                default:
                    throw Fault("groups of this kind are not supported");
            }
        }

        throw Fault("a group does not end");
    }

    private PatternNode ParseEscape()
    {
        if (_at >= _text.Length)
            throw Fault("it ends in a backslash");
        switch (_text[_at])
        {
            case 'A':
                _at++;
                return new PatternNode.Place(PatternPlace.Start);
            case 'Z' or 'z':
                _at++;
                return new PatternNode.Place(PatternPlace.End);
            case 'b':
                _at++;
                return new PatternNode.Place(PatternPlace.WordEdge);
            case 'B':
                _at++;
                return new PatternNode.Place(PatternPlace.NoWordEdge);
            case 'g' when _text.AsSpan(_at).StartsWith("g<"):
                _at += 2;
                return Reference(TakeName('>'));
            case >= '1' and <= '9':
                var end = _at;
                while (end < _text.Length && end < _at + 2 && char.IsAsciiDigit(_text[end]))
                    end++;
                var number = int.Parse(_text.AsSpan(_at, end - _at), CultureInfo.InvariantCulture);
                if (number > _groups)
                    throw Fault($"there is no group {number} before its reference");
                _at = end;
                return new PatternNode.Reference(number);
        }

        return ClassEscape() is { } set ? new PatternNode.One(_ignoreCase ? set.AnyCase() : set) : Literal(EscapedCodePoint());
    }

    /// <summary>The set that an escape stands for; null, and nothing read, where it is one character.</summary>
    private CharacterSet? ClassEscape()
    {
        var kind = _text[_at];
        if (kind is 'p' or 'P')
        {
            _at++;
            var isNegative = kind == 'P';
            var name = Take("{") ? TakeName('}') : throw Fault("\\p needs a category in braces");
            var set = PatternCategories.Find(name) ?? throw Fault($"the category '{name}' is not supported");
            return isNegative ? set.Not() : set;
        }

        CharacterSet? found = kind switch
        {
            'd' => CharacterSet.Digit,
            'D' => CharacterSet.Digit.Not(),
            's' => CharacterSet.Space,
            'S' => CharacterSet.Space.Not(),
            'w' => CharacterSet.Word,
            'W' => CharacterSet.Word.Not(),
            _ => null,
        };
        if (found is not null)
            _at++;
        return found;
    }

    private int EscapedCodePoint()
    {
        var one = NextCodePoint();
        switch (one)
        {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'a':
                return '\a';
            case '0':
                return 0;
            case 'x':
                return Hexadecimal(2);
            case 'u':
                return Hexadecimal(4);
            case 'U':
                return Hexadecimal(8);
            case < 128 when char.IsAsciiLetterOrDigit((char)one):
                throw Fault($"the escape \\{(char)one} is not supported");
            default:
                return one;
        }
    }

    private int Hexadecimal(int digits)
    {
        if (_at + digits > _text.Length
            || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value is < 0 or > 0x10FFFF)
        {
            throw Fault("a character's number is missing or none");
        }

        _at += digits;
        return value;
    }

    private CharacterSet ParseClass()
    {
        var isNegative = Take("^");
        var ranges = new List<(int First, int Last)>();
        CharacterSet? classes = null;
        for (var isFirst = true; ; isFirst = false)
        {
            if (_at >= _text.Length)
                throw Fault("a character class does not end");
            if (!isFirst && Take("]"))
                break;
            if (_text.AsSpan(_at).StartsWith("[:"))
                throw Fault("POSIX classes are not supported");
            if (_text[_at] == '\\' && _at + 1 < _text.Length)
            {
                _at++;
                if (ClassEscape() is { } set)
                {
                    classes = classes?.Or(set) ?? set;
                    continue;
                }

                AddRange(ranges, _text[_at] == 'b' ? _text[_at++] - 'b' + '\b' : EscapedCodePoint());
                continue;
            }

            AddRange(ranges, NextCodePoint());
        }

        var holds = ranges.ToArray();
        var result = new CharacterSet(one => Array.Exists(holds, range => one >= range.First && one <= range.Last));
        if (classes is not null)
            result = result.Or(classes);
        if (_ignoreCase)
            result = result.AnyCase();
        return isNegative ? result.Not() : result;
    }

    private void AddRange(List<(int First, int Last)> ranges, int first)
    {
        var last = first;
        if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
        {
            _at++;
            if (_text[_at] == '\\')
            {
                _at++;
                last = _text[_at] is 'd' or 'D' or 's' or 'S' or 'w' or 'W' or 'p' or 'P'
                    ? throw Fault("a range ends in a class") : EscapedCodePoint();
            }
            else
            {
                last = NextCodePoint();
            }

            if (last < first)
                throw Fault("a range's end is below its beginning");
        }

        ranges.Add((first, last));
    }

    private bool Take(string expected)
    {
        if (!_text.AsSpan(_at).StartsWith(expected))
            return false;
        _at += expected.Length;
        return true;
    }

    private int NextCodePoint()
    {
        var one = CodePoints.At(_text, _at, out var length);
        _at += length;
        return one;
    }

    private PatternException Fault(string what) => new($"the pattern '{_text}' cannot be used: at {_at}, {what}");
}
