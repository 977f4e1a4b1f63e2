using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// Rewrites an expression of Oniguruma's syntax (Ruby's), which Hugging Face uses, for .NET. Whatever stands for characters becomes a
/// class of exactly those characters, so that neither .NET's tables nor its rules of case decide anything; possessive quantifiers become
/// atomic groups, anchors of lines and words what they are there, and characters beyond the basic plane their stand-ins.
/// </summary>
internal sealed class PatternTranslator
{
    private readonly string _pattern;
    private readonly StringBuilder _result = new();
    private readonly List<CodePointSet> _sets = [];
    private readonly Stack<Group> _groups = new();
    private readonly PatternReader _reader;
    private ShadowAlphabet? _alphabet;
    private Options _options;
    private int _toClose;
    private int _atom = -1;
    private bool _isQuantified;

    private PatternTranslator(string pattern) => (_pattern, _reader) = (pattern, new PatternReader(pattern));

    [Flags]
    private enum Options
    {
        None = 0,
        IgnoreCase = 1,
        DotIsAll = 2,
        Extended = 4,
    }

    /// <exception cref="ArgumentException">The expression is not valid, or uses what .NET cannot express.</exception>
    public static string Translate(string pattern, out ShadowAlphabet alphabet)
    {
        // The first pass learns the expression's sets, the second writes them with stand-ins.
        var translator = new PatternTranslator(pattern);
        translator.Run();
        alphabet = translator._alphabet = new ShadowAlphabet(translator._sets);
        translator.Run();
        return translator._result.ToString();
    }

    private void Run()
    {
        _result.Clear();
        _groups.Clear();
        (_options, _toClose, _atom, _isQuantified) = (Options.None, 0, -1, false);
        for (_reader.Position = 0; !_reader.IsAtEnd;)
        {
            if (_atom >= 0 && _reader.Current is '*' or '+' or '?' or '{' && TryQuantifier())
                continue;
            if (_options.HasFlag(Options.Extended) && SkipExtended())
                continue;
            ReadOne();
        }

        _result.Append(')', _toClose);
    }

    private void ReadOne()
    {
        switch (_reader.Current)
        {
            case '(':
                ReadGroupStart();
                break;
            case ')':
                ReadGroupEnd();
                break;
            case '|':
                Write("|", isAtom: false, length: 1);
                break;
            // As Oniguruma: a line break that ends the text opens no line.
            case '^':
                Write(@"(?:\A|(?<=\n)(?!\z))", isAtom: false, length: 1);
                break;
            case '$':
                Write(@"(?:(?=\n)|(?<!\n)\z)", isAtom: false, length: 1);
                break;
            case '.':
                Write(Class(_options.HasFlag(Options.DotIsAll) ? CodePointSet.All : CodePointSet.Of('\n', '\n').Complement()), true, 1);
                break;
            case '[':
                var members = _reader.ReadBrackets(_options.HasFlag(Options.IgnoreCase));
                Write(Class(members), isAtom: true, length: 0);
                break;
            case '\\' when TryAssertion():
                break;
            default:
                var set = _reader.ReadCharacter(inBrackets: false, out var point);
                if (point >= 0 && _options.HasFlag(Options.IgnoreCase))
                    set = CaseFolding.Close(set);
                Write(Class(set), isAtom: true, length: 0);
                break;
        }
    }

    private bool TryAssertion()
    {
        if (_reader.Rest.Length < 2)
            throw new ArgumentException(@"it ends with \");
        switch (_reader.Rest[1])
        {
            case 'A' or 'z' or 'G':
                Write(_reader.Rest[..2].ToString(), isAtom: false, length: 2);
                return true;
            case 'Z':
                Write(@"(?:(?<!\n)\z|(?=\n\z))", isAtom: false, length: 2);
                return true;
            case 'b' or 'B':
                var (word, isBorder) = (Class(UnicodeClasses.WordAlone), _reader.Rest[1] == 'b');
                Write(isBorder ? $"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))" : $"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))",
                    isAtom: false, length: 2);
                return true;
            case 'R':
                Write(@"(?>\r\n|[\n-\r\u0085\u2028\u2029])", isAtom: true, length: 2);
                return true;
            case >= '1' and <= '9':
                var length = 2;
                while (length < _reader.Rest.Length && char.IsAsciiDigit(_reader.Rest[length]))
                    length++;
                Write($"(?:{_reader.Rest[..length]})", isAtom: true, length);
                return true;
            case 'k' when _reader.Rest.Length > 2 && _reader.Rest[2] == '<' && _reader.Rest.IndexOf('>') is > 0 and var end:
                Write(_reader.Rest[..(end + 1)].ToString(), isAtom: true, end + 1);
                return true;
            default:
                return false;
        }
    }

    private void ReadGroupStart()
    {
        var rest = _reader.Rest;
        if (rest.StartsWith("(?#"))
        {
            var end = rest.IndexOf(')');
            _reader.Position += end < 0 ? throw new ArgumentException("a comment (?# is not closed") : end + 1;
            return;
        }

        if (TryOptions())
            return;
        var length = rest switch
        {
            ['(', '?', ':' or '=' or '!' or '>', ..] => 3,
            ['(', '?', '<', '=' or '!', ..] => 4,
            ['(', '?', '<', ..] when rest.IndexOf('>') is > 0 and var end => end + 1,
            ['(', '?', ..] => throw new ArgumentException($"the group {rest[..Math.Min(4, rest.Length)]} is not supported"),
            _ => 1,
        };
        Open(rest[..length].ToString(), _options, length);
    }

    // (?i-m:…) has a group of its own; (?i-m) holds to the end of the group around it, over its alternatives as well.
    private bool TryOptions()
    {
        var rest = _reader.Rest;
        if (!rest.StartsWith("(?") || rest.Length < 3 || rest[2] is not ('i' or 'm' or 'x' or '-'))
            return false;
        var options = _options;
        var isOn = true;
        for (var i = 2; i < rest.Length; i++)
        {
            var option = rest[i] switch { 'i' => Options.IgnoreCase, 'm' => Options.DotIsAll, 'x' => Options.Extended, _ => Options.None };
            if (option != Options.None)
            {
                options = isOn ? options | option : options & ~option;
            }
            else if (rest[i] == '-')
            {
                isOn = false;
            }
            else if (rest[i] == ':')
            {
                Open("(?:", options, i + 1);
                return true;
            }
            else if (rest[i] == ')')
            {
                Write("(?:", isAtom: false, i + 1);
                _options = options;
                _toClose++;
                return true;
            }
            else
            {
                break;
            }
        }

        return false;
    }

    private void Open(string start, Options options, int length)
    {
        _groups.Push(new Group(_result.Length, _options, _toClose));
        (_options, _toClose) = (options, 0);
        Write(start, isAtom: false, length);
    }

    private void ReadGroupEnd()
    {
        if (!_groups.TryPop(out var group))
            throw new ArgumentException("a ) has no (");
        _result.Append(')', _toClose + 1);
        (_options, _toClose) = (group.Options, group.ToClose);
        _reader.Position++;
        (_atom, _isQuantified) = (group.Start, false);
    }

    private bool TryQuantifier()
    {
        var rest = _reader.Rest;
        var length = 1;
        var isFixed = false;
        var quantifier = rest[..1].ToString();
        if (rest[0] == '{')
        {
            while (length < rest.Length && (char.IsAsciiDigit(rest[length]) || rest[length] == ','))
                length++;
            var body = rest[1..length];
            if (length >= rest.Length || rest[length] != '}' || body.IsEmpty || body is "," || body.Count(',') > 1)
                return false;
            length++;
            isFixed = !body.Contains(',');
            // Oniguruma reads {,n} as {0,n}; .NET would take it as text.
            quantifier = body[0] == ',' ? $"{{0{body}}}" : rest[..length].ToString();
        }

        // One quantifier on another, which .NET wants in a group.
        if (_isQuantified)
            _result.Insert(_atom, "(?:").Append(')');
        _result.Append(quantifier);
        _reader.Position += length;
        _isQuantified = true;
        if (_reader.IsAtEnd)
            return true;
        if (_reader.Current == '?' && !isFixed)
        {
            _result.Append('?');
            _reader.Position++;
        }
        else if (_reader.Current == '+' && rest[0] != '{')
        {
            _result.Insert(_atom, "(?>").Append(')');
            _reader.Position++;
            _isQuantified = false;
        }

        return true;
    }

    private bool SkipExtended()
    {
        if (_reader.Current == '#')
        {
            var end = _reader.Rest.IndexOf('\n');
            _reader.Position += end < 0 ? _reader.Rest.Length : end + 1;
            return true;
        }

        if (_reader.Current is not (' ' or '\t' or '\n' or '\r' or '\f' or '\v'))
            return false;
        _reader.Position++;
        return true;
    }

    private string Class(CodePointSet set)
    {
        if (_alphabet is not null)
            return CharacterClassWriter.Write(_alphabet.Shadow(set));
        _sets.Add(set);
        return ".";
    }

    private void Write(string text, bool isAtom, int length)
    {
        _atom = isAtom ? _result.Length : -1;
        _isQuantified = false;
        _result.Append(text);
        _reader.Position += length;
    }

    private readonly record struct Group(int Start, Options Options, int ToClose);
}
