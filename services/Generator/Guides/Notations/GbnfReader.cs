using System.Text;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Notations;

/// <summary>Reads a grammar in GBNF, llama.cpp's form of EBNF.</summary>
internal sealed class GbnfReader
{
    private const string Root = "root";
    private readonly GrammarCursor _cursor;
    private readonly GrammarNames _names;
    private readonly TokenReferences _tokens;

    private GbnfReader(string text, TokenVocabulary vocabulary)
    {
        _cursor = new GrammarCursor(text);
        _names = new GrammarNames(_cursor);
        _tokens = new TokenReferences(vocabulary, _cursor);
    }

    /// <summary>Reads a grammar.</summary>
    /// <exception cref="GuideException">It is none; line and column say where.</exception>
    public static Grammar Read(string text, TokenVocabulary vocabulary)
    {
        var reader = new GbnfReader(text, vocabulary);
        reader.Skip(lines: true);
        while (!reader._cursor.AtEnd)
            reader.ReadRule();
        return reader._names.ToGrammar(Root);
    }

    private static bool IsWord(char next) => char.IsAsciiLetterOrDigit(next) || next is '-' or '_';

    private void Skip(bool lines) => _cursor.Skip(lines, slashes: false);

    private void ReadRule()
    {
        var at = _cursor.At;
        var name = _cursor.TakeWhile(IsWord);
        if (name.Length == 0)
            throw _cursor.Fault($"a rule's name is expected here, not {_cursor.Shown()}");
        Skip(lines: false);
        _cursor.Need("::=", $"the rule '{name}'");
        Skip(lines: true);
        _names.Define(name, at, ReadChoice(nested: false));
        if (!_cursor.AtEnd && _cursor.Next is not ('\n' or '\r'))
            throw _cursor.Fault($"{_cursor.Shown()} does not belong here");
        Skip(lines: true);
    }

    private GrammarTree ReadChoice(bool nested)
    {
        var members = new List<GrammarTree> { ReadSequence(nested) };
        while (TakeBar(nested))
        {
            GuideLimits.ThrowIfStopped();
            Skip(lines: true);
            members.Add(ReadSequence(nested));
        }

        return GrammarTree.Choice(members);
    }

    /// <summary>Reads the bar between two alternatives, which may stand at the begin of the next line too.</summary>
    private bool TakeBar(bool nested)
    {
        var before = _cursor.At;
        if (!nested)
            Skip(lines: true);
        if (_cursor.Take("|"))
            return true;
        _cursor.At = before;
        return false;
    }

    private GrammarTree ReadSequence(bool nested)
    {
        var members = new List<GrammarTree>();
        while (ReadSymbol() is { } symbol)
        {
            Skip(nested);
            while (ReadCounts() is var (min, max))
            {
                symbol = GrammarTree.Repeat(symbol, min, max);
                Skip(nested);
            }

            members.Add(symbol);
        }

        return GrammarTree.Sequence(members);
    }

    private GrammarTree? ReadSymbol()
    {
        var at = _cursor.At;
        switch (_cursor.Next)
        {
            case '"':
                return ReadLiteral();
            case '[':
                return ReadClass();
            case '.':
                _cursor.At++;
                return GrammarTree.Set(CodePoints.All);
            case '(':
                _cursor.At++;
                _cursor.Open();
                Skip(lines: true);
                var inside = ReadChoice(nested: true);
                _cursor.Need(")", "a group");
                _cursor.Close();
                return inside;
            case '<':
                return _tokens.Read();
            case '!':
                _cursor.At++;
                return _tokens.ReadOther();
            case '*' or '+' or '?' or '{':
                throw _cursor.Fault($"{_cursor.Shown()} repeats nothing: a symbol must stand before it");
            case var next when IsWord(next):
                var name = _cursor.TakeWhile(IsWord);
                return GrammarTree.OfRule(_names.Name(name, at));
            default:
                return null;
        }
    }

    private (int Min, int Max)? ReadCounts()
    {
        var at = _cursor.At;
        switch (_cursor.Next)
        {
            case '*':
                _cursor.At++;
                return (0, -1);
            case '+':
                _cursor.At++;
                return (1, -1);
            case '?':
                _cursor.At++;
                return (0, 1);
            case '{':
                break;
            default:
                return null;
        }

        _cursor.At++;
        Skip(lines: false);
        var min = _cursor.TakeNumber() ?? (_cursor.Next == ',' ? 0 : throw _cursor.Fault("a repetition needs its number here"));
        var max = min;
        Skip(lines: false);
        if (_cursor.Take(","))
        {
            Skip(lines: false);
            max = _cursor.TakeNumber() ?? -1;
            Skip(lines: false);
        }

        _cursor.Need("}", "a repetition");
        return max >= 0 && max < min ? throw _cursor.Fault("a repetition's bounds are out of order", at) : (min, max);
    }

    private GrammarTree ReadLiteral()
    {
        var start = _cursor.At++;
        var text = new StringBuilder();
        while (!_cursor.Take("\""))
        {
            if (_cursor.AtEnd)
                throw _cursor.Fault("a literal is not closed", start);
            text.Append(new Rune(ReadCharacter()));
        }

        return GrammarTree.Literal([.. Encoding.UTF8.GetBytes(text.ToString()).Select(one => (int)one)]);
    }

    private GrammarTree ReadClass()
    {
        var start = _cursor.At++;
        var isNegated = _cursor.Take("^");
        var ranges = new List<(int First, int Last)>();
        while (!_cursor.Take("]"))
        {
            if (_cursor.AtEnd)
                throw _cursor.Fault("a class of characters is not closed", start);
            var at = _cursor.At;
            var first = ReadCharacter();
            var last = first;
            if (_cursor.Next == '-' && !_cursor.Rest.StartsWith("-]"))
            {
                _cursor.At++;
                if (_cursor.AtEnd)
                    throw _cursor.Fault("a class of characters is not closed", start);
                last = ReadCharacter();
            }

            if (last < first)
                throw _cursor.Fault("a range's bounds are out of order", at);
            ranges.Add((first, last));
        }

        var characters = CodePoints.Of(ranges);
        if (isNegated)
            characters = characters.Complement();
        return characters.IsEmpty ? throw _cursor.Fault("a class of characters holds none", start) : GrammarTree.Set(characters);
    }

    private int ReadCharacter()
    {
        if (!_cursor.Take("\\"))
            return _cursor.TakeCodePoint();
        var at = _cursor.At - 1;
        var escaped = _cursor.Next;
        _cursor.At++;
        return escaped switch
        {
            'x' => _cursor.TakeHex(2),
            'u' => _cursor.TakeHex(4),
            'U' => _cursor.TakeHex(8),
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' or '"' or '[' or ']' or '-' or '^' or '\'' or '/' => escaped,
            _ => throw _cursor.Fault("the escape is none of \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\^ \\' \\/ \\x.. \\u.... \\U........", at),
        };
    }
}
