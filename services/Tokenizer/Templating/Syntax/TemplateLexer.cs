using System.Globalization;
using System.Numerics;
using System.Text;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>
/// Template text → tokens, with the white-space rules that transformers sets: trim_blocks, lstrip_blocks, no trailing line break.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators =
    [
        "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", ".", ",", ":", "|", "(", ")", "[", "]", "{",
        "}", ";",
    ];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private readonly Stack<char> _brackets = new();
    private int _position;
    private int _line = 1;
    private bool _lineStarts = true;

    private TemplateLexer(string source) => _source = source;

    /// <exception cref="TemplateException">The text is no template.</exception>
    public static List<TemplateToken> Read(string template)
    {
        var source = template.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (source.EndsWith('\n'))
            source = source[..^1];
        var lexer = new TemplateLexer(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_position < _source.Length)
        {
            var start = NextTag();
            if (start < 0)
            {
                AddData(_source[_position..]);
                _position = _source.Length;
                break;
            }

            ReadTag(start);
        }

        _tokens.Add(new TemplateToken(TemplateToken.Form.End, "", _line));
    }

    private int NextTag()
    {
        for (var i = _source.IndexOf('{', _position); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#')
                return i;
        }

        return -1;
    }

    private void ReadTag(int start)
    {
        var kind = _source[start + 1];
        var sign = start + 2 < _source.Length ? _source[start + 2] : '\0';
        var data = _source[_position..start];
        if (sign == '-')
            data = PythonCharacter.TrimEnd(data);
        else if (sign != '+' && kind != '{')
            data = StripLine(data);
        AddData(_source[_position..start], data);
        _position = start + 2 + (sign is '-' or '+' ? 1 : 0);
        switch (kind)
        {
            case '#':
                SkipComment();
                break;
            case '{':
                ReadExpression(TemplateToken.Form.VariableStart, TemplateToken.Form.VariableEnd, "}}");
                break;
            default:
                if (!TryReadRaw())
                    ReadExpression(TemplateToken.Form.BlockStart, TemplateToken.Form.BlockEnd, "%}");
                break;
        }
    }

    // lstrip_blocks: white space between the start of the line and the tag.
    private string StripLine(string data)
    {
        var lineStart = data.LastIndexOf('\n') + 1;
        return (lineStart > 0 || _lineStarts) && data[lineStart..].All(PythonCharacter.IsSpace) ? data[..lineStart] : data;
    }

    private void SkipComment()
    {
        var end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0)
            throw TemplateException.Syntax("Missing end of comment tag", _line);
        var sign = end > _position ? _source[end - 1] : '\0';
        Advance(end + 2);
        EndTag(sign, isBlock: true);
    }

    // What a tag takes of the text after it: all white space after "-", one line break after a block or comment.
    private void EndTag(char sign, bool isBlock)
    {
        var end = _position;
        if (sign == '-')
        {
            while (end < _source.Length && PythonCharacter.IsSpace(_source[end]))
                end++;
        }
        else if (isBlock && sign != '+' && end < _source.Length && _source[end] == '\n')
        {
            end++;
        }

        _lineStarts = end > _position && _source[end - 1] == '\n';
        Advance(end);
    }

    private void Advance(int position)
    {
        _line += _source.AsSpan(_position, position - _position).Count('\n');
        _position = position;
    }

    private void AddData(string raw, string? data = null)
    {
        data ??= raw;
        if (data.Length > 0)
            _tokens.Add(new TemplateToken(TemplateToken.Form.Data, data, _line));
        _line += raw.AsSpan().Count('\n');
    }

    private bool TryReadRaw()
    {
        var start = SkipSpaces(_position);
        if (!_source.AsSpan(start).StartsWith("raw"))
            return false;
        start = SkipSpaces(start + 3);
        // Unlike other tags this one knows no "+" and takes no line break with it.
        var sign = start < _source.Length && _source[start] == '-' ? '-' : '\0';
        start += sign == '-' ? 1 : 0;
        if (!_source.AsSpan(start).StartsWith("%}"))
            return false;
        Advance(start + 2);
        EndTag(sign, isBlock: false);
        for (var at = _position; (at = _source.IndexOf("{%", at, StringComparison.Ordinal)) >= 0; at += 2)
        {
            var open = at + 2 < _source.Length ? _source[at + 2] : '\0';
            var end = SkipSpaces(at + (open is '-' or '+' ? 3 : 2));
            if (!_source.AsSpan(end).StartsWith("endraw"))
                continue;
            end = SkipSpaces(end + 6);
            var close = end < _source.Length ? _source[end] : '\0';
            end += close is '-' or '+' ? 1 : 0;
            if (!_source.AsSpan(end).StartsWith("%}"))
                continue;
            var data = _source[_position..at];
            AddData(data, open == '-' ? PythonCharacter.TrimEnd(data) : open == '+' ? data : StripLine(data));
            _position = end + 2;
            EndTag(close, isBlock: true);
            return true;
        }

        throw TemplateException.Syntax("Missing end of raw directive", _line);
    }

    private int SkipSpaces(int position)
    {
        while (position < _source.Length && PythonCharacter.IsSpace(_source[position]))
            position++;
        return position;
    }

    private void ReadExpression(TemplateToken.Form open, TemplateToken.Form close, string end)
    {
        _tokens.Add(new TemplateToken(open, "", _line));
        _brackets.Clear();
        while (true)
        {
            while (_position < _source.Length && PythonCharacter.IsSpace(_source[_position]))
                Advance(_position + 1);
            if (_position >= _source.Length)
                throw TemplateException.Syntax($"unexpected end of template, expected '{end}'", _line);
            var rest = _source.AsSpan(_position);
            var isSign = rest[0] == '-' || (rest[0] == '+' && close == TemplateToken.Form.BlockEnd);
            var sign = isSign && rest[1..].StartsWith(end) ? rest[0] : '\0';
            if (_brackets.Count == 0 && (sign != '\0' || rest.StartsWith(end)))
            {
                _tokens.Add(new TemplateToken(close, "", _line));
                Advance(_position + (sign == '\0' ? 2 : 3));
                EndTag(sign, isBlock: close == TemplateToken.Form.BlockEnd);
                return;
            }

            ReadToken(rest);
        }
    }

    private void ReadToken(ReadOnlySpan<char> rest)
    {
        if (char.IsLetter(rest[0]) || rest[0] == '_')
        {
            var length = 1;
            while (length < rest.Length && (char.IsLetterOrDigit(rest[length]) || rest[length] == '_'))
                length++;
            Add(TemplateToken.Form.Name, rest[..length].ToString(), length);
        }
        else if (char.IsAsciiDigit(rest[0]))
        {
            ReadNumber(rest);
        }
        else if (rest[0] is '\'' or '"')
        {
            ReadText(rest);
        }
        else
        {
            ReadOperator(rest);
        }
    }

    private void ReadOperator(ReadOnlySpan<char> rest)
    {
        foreach (var candidate in Operators)
        {
            if (!rest.StartsWith(candidate))
                continue;
            if (candidate is "(" or "[" or "{")
            {
                _brackets.Push(candidate[0]);
            }
            else if (candidate is ")" or "]" or "}")
            {
                var expected = candidate switch { ")" => '(', "]" => '[', _ => '{' };
                if (!_brackets.TryPop(out var opened) || opened != expected)
                    throw TemplateException.Syntax($"unexpected '{candidate}'", _line);
            }

            Add(TemplateToken.Form.Operator, candidate, candidate.Length);
            return;
        }

        throw TemplateException.Syntax($"unexpected char '{rest[0]}'", _line);
    }

    private void ReadNumber(ReadOnlySpan<char> rest)
    {
        var isFloat = false;
        if (rest.Length > 1 && rest[0] == '0' && char.ToLowerInvariant(rest[1]) is 'x' or 'o' or 'b' && TryReadBased(rest))
            return;
        // A zero begins no other digits.
        var length = 0;
        SkipDigits(rest, ref length);
        var digits = length;
        if (length + 1 < rest.Length && rest[length] == '.' && char.IsAsciiDigit(rest[length + 1]))
        {
            isFloat = true;
            length++;
            SkipDigits(rest, ref length);
        }

        if (length < rest.Length && rest[length] is 'e' or 'E')
        {
            var exponent = length + 1;
            if (exponent < rest.Length && rest[exponent] is '+' or '-')
                exponent++;
            if (exponent < rest.Length && char.IsAsciiDigit(rest[exponent]))
            {
                isFloat = true;
                length = exponent;
                SkipDigits(rest, ref length);
            }
        }

        if (!isFloat && rest[0] == '0')
        {
            length = 1;
            while (length < digits && (rest[length] == '0' || (rest[length] == '_' && length + 1 < digits && rest[length + 1] == '0')))
                length++;
        }

        var text = rest[..length].ToString().Replace("_", "", StringComparison.Ordinal);
        if (!isFloat && text.Length > PythonNumber.DigitsMax)
            throw TemplateException.Syntax($"a number has more than {PythonNumber.DigitsMax} digits", _line);
        Add(isFloat ? TemplateToken.Form.Float : TemplateToken.Form.Integer, text, length);
    }

    private bool TryReadBased(ReadOnlySpan<char> rest)
    {
        var numberBase = char.ToLowerInvariant(rest[1]) switch { 'x' => 16, 'o' => 8, _ => 2 };
        var value = BigInteger.Zero;
        var length = 2;
        while (length < rest.Length)
        {
            var next = rest[length] == '_' && length + 1 < rest.Length ? length + 1 : length;
            if (DigitOf(rest[next]) >= numberBase)
                break;
            if (next > PythonNumber.DigitsMax)
                throw TemplateException.Syntax($"a number has more than {PythonNumber.DigitsMax} digits", _line);
            value = (value * numberBase) + DigitOf(rest[next]);
            length = next + 1;
        }

        if (length == 2)
            return false;
        Add(TemplateToken.Form.Integer, value.ToString(CultureInfo.InvariantCulture), length);
        return true;
    }

    private static int DigitOf(char value) => char.IsAsciiHexDigit(value) ? Convert.ToInt32(value.ToString(), 16) : int.MaxValue;

    private static void SkipDigits(ReadOnlySpan<char> rest, ref int length)
    {
        // Underscores stand between digits.
        while (length < rest.Length && (char.IsAsciiDigit(rest[length])
            || (rest[length] == '_' && length + 1 < rest.Length && char.IsAsciiDigit(rest[length + 1]))))
            length++;
    }

    private void ReadText(ReadOnlySpan<char> rest)
    {
        var text = new StringBuilder();
        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] == rest[0])
            {
                Add(TemplateToken.Form.Text, text.ToString(), i + 1);
                return;
            }

            if (rest[i] == '\\' && i + 1 < rest.Length)
                i = ReadEscape(rest, i + 1, text);
            else
                text.Append(rest[i]);
        }

        throw TemplateException.Syntax("a string is not closed", _line);
    }

    // Python's escapes; one that it does not know stays as it is. Returns the index of the last character read.
    private int ReadEscape(ReadOnlySpan<char> rest, int index, StringBuilder text)
    {
        var letter = rest[index];
        if ("\\'\"abfnrtv".IndexOf(letter, StringComparison.Ordinal) is >= 0 and var known)
        {
            text.Append("\\'\"\a\b\f\n\r\t\v"[known]);
            return index;
        }

        if (letter == '\n')
            return index;
        if (letter is 'x' or 'u' or 'U')
        {
            var digits = letter switch { 'x' => 2, 'u' => 4, _ => 8 };
            if (index + digits < rest.Length && int.TryParse(rest.Slice(index + 1, digits), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out var point) && point <= 0x10FFFF)
            {
                _ = point <= 0xFFFF ? text.Append((char)point) : text.Append(char.ConvertFromUtf32(point));
                return index + digits;
            }

            throw TemplateException.Syntax($"a string has a broken \\{letter} escape", _line);
        }

        if (letter == 'N')
            throw TemplateException.Syntax("a string names a character (\\N{…}), which is not supported: write it or its \\u", _line);
        if (letter is >= '0' and <= '7')
        {
            var value = 0;
            var end = index;
            for (; end < rest.Length && end < index + 3 && rest[end] is >= '0' and <= '7'; end++)
                value = (value * 8) + rest[end] - '0';
            text.Append((char)value);
            return end - 1;
        }

        text.Append('\\').Append(letter);
        return index;
    }

    private void Add(TemplateToken.Form kind, string text, int length)
    {
        _tokens.Add(new TemplateToken(kind, text, _line));
        Advance(_position + length);
    }
}
