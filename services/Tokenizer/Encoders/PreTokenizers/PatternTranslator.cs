using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// Rewrites an expression of Oniguruma's syntax, which Hugging Face uses, for .NET: possessive quantifiers become atomic groups,
/// class intersections with a negated class become subtractions, scripts become ranges, and astral characters become stand-ins.
/// </summary>
internal sealed class PatternTranslator
{
    private const string Han = "⺀-⺙⺛-⻳⼀-⿕々〇〡-〩〸-〻㐀-䶿一-鿿豈-舘並-龎"
        + "\U00016FE2-\U00016FE3\U00016FF0-\U00016FF1\U00020000-\U0002A6DF\U0002A700-\U0002EBE0\U0002F800-\U0002FA1D\U00030000-\U000323AF";

    private readonly string _pattern;
    private readonly StringBuilder _result = new();
    private readonly List<(int First, int Last)> _astral = [];
    private readonly HashSet<char> _literals = [];
    private readonly List<(char First, char Last)> _ranges = [];
    private readonly Stack<int> _groups = new();
    private ShadowAlphabet? _alphabet;
    private int _position;
    private int _atom = -1;

    private PatternTranslator(string pattern) => _pattern = pattern;

    public static string Translate(string pattern, out ShadowAlphabet alphabet)
    {
        // The first pass learns which characters the expression names, the second writes with stand-ins outside them.
        var translator = new PatternTranslator(pattern.Replace(@"\p{Han}", $"[{Han}]", StringComparison.Ordinal)
            .Replace(@"\p{Script=Han}", $"[{Han}]", StringComparison.Ordinal));
        translator.Run();
        alphabet = translator._alphabet = new ShadowAlphabet(translator._astral, translator.IsNamed);
        translator.Run();
        return translator._result.ToString();
    }

    private bool IsNamed(char value) =>
        _literals.Contains(value) || _ranges.Exists(range => range.First <= value && value <= range.Last);

    private void Run()
    {
        _result.Clear();
        _groups.Clear();
        _position = 0;
        while (_position < _pattern.Length)
        {
            var value = _pattern[_position];
            if (value is '*' or '+' or '?' or '{' && _atom >= 0 && TryQuantifier())
                continue;
            switch (value)
            {
                case '(':
                    _groups.Push(_result.Length);
                    _atom = -1;
                    CopyGroupStart();
                    break;
                case ')':
                    Copy(1);
                    _atom = _groups.TryPop(out var start) ? start : -1;
                    break;
                case '|' or '^' or '$':
                    Copy(1);
                    _atom = -1;
                    break;
                case '[':
                    _atom = _result.Length;
                    CopyClass();
                    break;
                default:
                    _atom = _result.Length;
                    if (ReadLiteral(out var point) is { } escape)
                        _result.Append(escape);
                    else
                        Append(point, point, inClass: false);
                    break;
            }
        }
    }

    private void CopyGroupStart()
    {
        var length = 1;
        if (_pattern.AsSpan(_position).StartsWith("(?"))
        {
            var end = _position + 2;
            while (end < _pattern.Length && _pattern[end] is not (':' or ')' or '=' or '!' or '>' or '('))
                end++;
            length = Math.Min(end + 1, _pattern.Length) - _position;
            if (_pattern[_position + length - 1] == ')')
                _groups.Pop();
        }

        Copy(length);
    }

    private bool TryQuantifier()
    {
        var end = _position + 1;
        if (_pattern[_position] == '{')
        {
            while (end < _pattern.Length && (char.IsAsciiDigit(_pattern[end]) || _pattern[end] == ','))
                end++;
            if (end >= _pattern.Length || _pattern[end] != '}' || end == _position + 1)
                return false;
            end++;
            // Oniguruma reads {,n} as {0,n}; .NET would take it as text.
            var quantifier = _pattern[_position..end];
            _result.Append(quantifier.StartsWith("{,", StringComparison.Ordinal) ? "{0" + quantifier[1..] : quantifier);
            _position = end;
        }
        else
        {
            Copy(1);
        }

        if (end >= _pattern.Length)
            return true;
        if (_pattern[end - 1] == '}' && _pattern[end] is '+' or '*')
        {
            // Not possessive in Oniguruma but repeated again, which .NET wants in a group.
            _result.Insert(_atom, "(?:").Append(')');
        }
        else if (_pattern[end] == '?')
        {
            Copy(1);
        }
        else if (_pattern[end] == '+')
        {
            _result.Insert(_atom, "(?>").Append(')');
            _position++;
        }

        return true;
    }

    private void CopyClass()
    {
        Copy(1);
        if (_position < _pattern.Length && _pattern[_position] == '^')
            Copy(1);
        for (var first = true; _position < _pattern.Length && (_pattern[_position] != ']' || first); first = false)
        {
            var rest = _pattern.AsSpan(_position);
            if (rest.StartsWith("&&[^"))
            {
                _position += 4;
                _result.Append("-[");
                CopyNested();
                continue;
            }

            if (rest.StartsWith("&&"))
                throw new ArgumentException("an intersection of character classes (&&) is only supported with a negated class");
            if (rest[0] == '[')
            {
                // A union with a nested class; .NET has none, but its members can stand in the outer class.
                if (rest.StartsWith("[^") || rest.StartsWith("[:"))
                    throw new ArgumentException("a negated or POSIX class inside a class is not supported");
                _position++;
                CopyMembers();
                _position++;
                continue;
            }

            CopyMember();
        }

        Copy(1);
    }

    private void CopyNested()
    {
        CopyMembers();
        Copy(1);
    }

    private void CopyMembers()
    {
        while (_position < _pattern.Length && _pattern[_position] != ']')
        {
            if (_pattern[_position] == '[')
            {
                _position++;
                CopyMembers();
                _position++;
            }
            else
            {
                CopyMember();
            }
        }
    }

    private void CopyMember()
    {
        if (ReadLiteral(out var first) is { } escape)
        {
            _result.Append(escape);
            return;
        }

        var last = first;
        if (_position + 1 < _pattern.Length && _pattern[_position] == '-' && _pattern[_position + 1] is not (']' or '['))
        {
            var mark = _position++;
            if (ReadLiteral(out last) is not null)
                (_position, last) = (mark, first);
        }

        Append(first, last, inClass: true);
    }

    // A literal character gives its code point; an escape that stands for a class or an anchor is returned as it is.
    private string? ReadLiteral(out int point)
    {
        point = 0;
        if (_pattern[_position] == '.')
        {
            _position++;
            return ".";
        }

        if (_pattern[_position] != '\\' || _position + 1 >= _pattern.Length)
        {
            var isPair = _position + 1 < _pattern.Length && char.IsSurrogatePair(_pattern, _position);
            point = isPair ? char.ConvertToUtf32(_pattern, _position) : _pattern[_position];
            _position += isPair ? 2 : 1;
            return null;
        }

        var letter = _pattern[_position + 1];
        var start = _position;
        _position += 2;
        switch (letter)
        {
            case 'p' or 'P' when _position < _pattern.Length && _pattern[_position] == '{':
                _position = _pattern.IndexOf('}', _position) + 1;
                if (_position == 0)
                    throw new ArgumentException(@"\p{ is not closed");
                return _pattern[start.._position];
            case 'u' or 'x' when ReadHex(letter, out point):
                return null;
            case 'n' or 'r' or 't' or 'f' or 'v' or 'a' or 'e' or '0':
                point = letter switch { 'n' => 10, 'r' => 13, 't' => 9, 'f' => 12, 'v' => 11, 'a' => 7, 'e' => 27, _ => 0 };
                return null;
            case 'A' or 'b' or 'B' or 'd' or 'D' or 'G' or 's' or 'S' or 'w' or 'W' or 'z' or 'Z':
                return _pattern[start.._position];
            case >= '1' and <= '9' or 'k':
                return _pattern[start.._position];
            default:
                if (char.IsAsciiLetterOrDigit(letter))
                    throw new ArgumentException($@"the escape \{letter} is not supported");
                point = letter;
                return null;
        }
    }

    private bool ReadHex(char letter, out int point)
    {
        var braced = _position < _pattern.Length && _pattern[_position] == '{';
        var end = braced ? _pattern.IndexOf('}', _position) : Math.Min(_pattern.Length, _position + (letter == 'u' ? 4 : 2));
        var from = braced ? _position + 1 : _position;
        point = 0;
        if (end < from || !int.TryParse(_pattern.AsSpan(from, end - from), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out point))
            throw new ArgumentException($@"\{letter} is not followed by a code point");
        _position = braced ? end + 1 : end;
        return true;
    }

    private void Append(int first, int last, bool inClass)
    {
        if (first <= 0xFFFF)
        {
            var bmpLast = Math.Min(last, 0xFFFF);
            Name((char)first, (char)bmpLast);
            AppendEscaped(first);
            if (bmpLast > first)
            {
                _result.Append('-');
                AppendEscaped(bmpLast);
            }
        }

        if (last <= 0xFFFF)
            return;
        var range = (Math.Max(first, 0x10000), last);
        if (_alphabet is null)
            _astral.Add(range);
        else
            _result.Append(inClass ? _alphabet.Members(range.Item1, last) : $"[{_alphabet.Members(range.Item1, last)}]");
    }

    private void Name(char first, char last)
    {
        if (_alphabet is not null)
            return;
        if (first == last)
            _literals.Add(first);
        else
            _ranges.Add((first, last));
    }

    private void AppendEscaped(int value)
    {
        if (value < 128 && char.IsAsciiLetterOrDigit((char)value))
            _result.Append((char)value);
        else
            _result.Append(CultureInfo.InvariantCulture, $"\\u{value:X4}");
    }

    private void Copy(int length)
    {
        _result.Append(_pattern, _position, Math.Min(length, _pattern.Length - _position));
        _position += length;
    }
}
