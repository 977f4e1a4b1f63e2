using System.Text.Json;
using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Notations;

/// <summary>
/// Reads a grammar in Lark's syntax, without a scanner: a text belongs to the grammar if it may be cut into terminals in any way so that
/// the rules are met. What Lark decides by its scanner (the longest terminal, priorities) therefore does not matter.
/// </summary>
internal sealed class LarkReader
{
    private const string Root = "start";
    private readonly GrammarCursor _cursor;
    private readonly GrammarNames _names;
    private readonly LarkTerminals _terminals;
    private readonly TokenReferences _tokens;
    private readonly Func<string, GuideMachine> _json;
    private readonly List<GrammarTree> _ignored = [];
    private readonly int _skip;
    private bool _inTerminal;
    private int _groups;

    private LarkReader(string text, TokenVocabulary vocabulary, Func<string, GuideMachine> json)
    {
        _cursor = new GrammarCursor(text);
        _names = new GrammarNames(_cursor);
        _terminals = new LarkTerminals(_cursor, _names);
        _tokens = new TokenReferences(vocabulary, _cursor);
        _json = json;
        _skip = _names.Name(" ", 0);
    }

    /// <summary>Reads a grammar.</summary>
    /// <param name="text">The grammar.</param>
    /// <param name="vocabulary">Tokens that it may name.</param>
    /// <param name="json">Makes a machine of a schema.</param>
    /// <exception cref="GuideException">It is none, or uses what is not supported; line and column say where.</exception>
    public static Grammar Read(string text, TokenVocabulary vocabulary, Func<string, GuideMachine> json)
    {
        var reader = new LarkReader(text, vocabulary, json);
        reader.Skip(lines: true);
        while (!reader._cursor.AtEnd)
        {
            reader.ReadItem();
            if (!reader._cursor.AtEnd && reader._cursor.Next is not ('\n' or '\r'))
                throw reader._cursor.Fault($"{reader._cursor.Shown()} does not belong here");
            reader.Skip(lines: true);
        }

        reader._terminals.Check();
        reader._names.Define(" ", 0, GrammarTree.Repeat(GrammarTree.Choice(reader._ignored), 0, reader._ignored.Count > 0 ? -1 : 0));
        if (!reader._names.IsDefined(Root))
            throw new GuideException("", $"the grammar has no rule '{Root}', where it begins");
        var at = reader._names.Name("  ", 0);
        reader._names.Define(
            "  ", at, GrammarTree.Sequence(GrammarTree.OfRule(reader._skip), GrammarTree.OfRule(reader._names.Name(Root, 0))));
        return reader._names.ToGrammar("  ");
    }

    private void Skip(bool lines) => _cursor.Skip(lines, slashes: true);

    private void ReadItem()
    {
        if (_cursor.Next == '%')
        {
            ReadDirective();
            return;
        }

        _cursor.TakeWhile(next => next is '?' or '!');
        var at = _cursor.At;
        var name = _cursor.TakeWhile(LarkTerminals.IsWord);
        if (name.Length == 0)
            throw _cursor.Fault($"the name of a rule or terminal is expected here, not {_cursor.Shown()}");
        Skip(lines: false);
        if (_cursor.Next == '{')
            throw _cursor.Fault("templates of rules are not supported: write the rules out");
        if (_cursor.Next == '[')
            throw _cursor.Fault("attributes of rules are not supported");
        if (_cursor.Take("."))
        {
            _cursor.TakeWhile(next => next is '-');
            _ = _cursor.TakeNumber() ?? throw _cursor.Fault("a priority needs its number here");
            Skip(lines: false);
        }

        _cursor.Need(":", $"'{name}'");
        Skip(lines: true);
        _inTerminal = LarkTerminals.IsTerminal(name);
        var tree = ReadChoice();
        _terminals.Note(name);
        _names.Define(name, at, tree);
    }

    private void ReadDirective()
    {
        var at = _cursor.At++;
        var name = _cursor.TakeWhile(LarkTerminals.IsWord);
        Skip(lines: false);
        switch (name)
        {
            case "import":
                _terminals.Import();
                break;
            case "ignore":
                _inTerminal = true;
                _ignored.Add(ReadChoice());
                _terminals.Note(name);
                break;
            case "declare":
                throw _cursor.Fault("%declare is not supported: a terminal that is not defined matches nothing", at);
            case "override" or "extend":
                throw _cursor.Fault($"%{name} is not supported: there is no other grammar", at);
            default:
                throw _cursor.Fault($"%{name} is not supported: %import and %ignore are", at);
        }
    }

    private GrammarTree ReadChoice()
    {
        var members = new List<GrammarTree> { ReadSequence() };
        while (TakeBar())
        {
            GuideLimits.ThrowIfStopped();
            Skip(lines: true);
            members.Add(ReadSequence());
        }

        return GrammarTree.Choice(members);
    }

    private bool TakeBar()
    {
        var before = _cursor.At;
        Skip(lines: true);
        if (_cursor.Take("|"))
            return true;
        _cursor.At = before;
        return false;
    }

    private GrammarTree ReadSequence()
    {
        var members = new List<GrammarTree>();
        while (ReadAtom() is { } atom)
        {
            members.Add(ReadCounts(atom));
            Skip(lines: _groups > 0);
        }

        if (_cursor.Take("->"))
        {
            Skip(lines: false);
            if (_cursor.TakeWhile(LarkTerminals.IsWord).Length == 0)
                throw _cursor.Fault("an alias needs its name here");
            Skip(lines: false);
        }

        return GrammarTree.Sequence(members);
    }

    private GrammarTree ReadCounts(GrammarTree atom)
    {
        Skip(lines: false);
        if (_cursor.Next is '*' or '+' or '?')
        {
            var (min, max) = _cursor.Next switch { '*' => (0, -1), '+' => (1, -1), _ => (0, 1) };
            _cursor.At++;
            return GrammarTree.Repeat(atom, min, max);
        }

        var at = _cursor.At;
        if (!_cursor.Take("~"))
            return atom;
        Skip(lines: false);
        var least = _cursor.TakeNumber() ?? throw _cursor.Fault("a repetition needs its number here");
        var most = least;
        Skip(lines: false);
        if (_cursor.Take(".."))
        {
            Skip(lines: false);
            most = _cursor.TakeNumber() ?? throw _cursor.Fault("a repetition needs its upper bound here");
        }

        return most < least ? throw _cursor.Fault("a repetition's bounds are out of order", at) : GrammarTree.Repeat(atom, least, most);
    }

    private GrammarTree? ReadAtom()
    {
        var at = _cursor.At;
        switch (_cursor.Next)
        {
            case '"':
                return Skipping(_terminals.ReadStringOrRange());
            case '/':
                return Skipping(_terminals.ReadPattern());
            case '(':
                return ReadGroup(")", 1);
            case '[':
                return ReadGroup("]", 0);
            case '<':
                NotInTerminal("a token");
                return Skipping(_tokens.Read());
            case '@':
                throw _cursor.Fault("other grammars can't be named here");
            case '*' or '+' or '~':
                throw _cursor.Fault($"{_cursor.Shown()} repeats nothing: something must stand before it");
            case '%':
                return ReadSchema();
            case var next when LarkTerminals.IsWord(next):
                return ReadName(at);
            default:
                return null;
        }
    }

    private GrammarTree ReadGroup(string close, int min)
    {
        _cursor.At++;
        _cursor.Open();
        _groups++;
        Skip(lines: true);
        var inside = ReadChoice();
        Skip(lines: true);
        _cursor.Need(close, "a group");
        _groups--;
        _cursor.Close();
        return min == 1 ? inside : GrammarTree.Repeat(inside, 0, 1);
    }

    private GrammarTree ReadName(int at)
    {
        var name = _cursor.TakeWhile(LarkTerminals.IsWord);
        if (_cursor.Next == '{')
            throw _cursor.Fault("templates of rules are not supported: write the rules out");
        var isTerminal = LarkTerminals.IsTerminal(name);
        if (_inTerminal && !isTerminal)
            throw _cursor.Fault($"a terminal can't hold the rule '{name}'", at);
        if (_inTerminal)
            _terminals.Needs(name, at);
        var rule = GrammarTree.OfRule(_names.Name(name, at));
        return isTerminal ? Skipping(rule) : rule;
    }

    private GrammarTree ReadSchema()
    {
        var at = _cursor.At;
        if (!_cursor.Take("%json"))
            throw _cursor.Fault("of directives within a rule only %json is supported");
        NotInTerminal("%json");
        Skip(lines: true);
        var start = _cursor.At;
        var rest = System.Text.Encoding.UTF8.GetBytes(_cursor.Rest.ToString());
        var reader = new Utf8JsonReader(rest, new JsonReaderOptions { MaxDepth = GuideLimits.SchemaDepthMax });
        try
        {
            if (!reader.Read() || !reader.TrySkip())
                throw _cursor.Fault("%json needs its schema here", start);
        }
        catch (JsonException)
        {
            throw _cursor.Fault("%json needs its schema here, as JSON", start);
        }

        _cursor.At += System.Text.Encoding.UTF8.GetCharCount(rest.AsSpan(0, (int)reader.BytesConsumed));
        try
        {
            return Skipping(GrammarTree.OfMachine(_json(_cursor.From(start))));
        }
        catch (GuideException exception)
        {
            throw _cursor.Fault($"%json is refused{(exception.Place.Length > 0 ? $" at {exception.Place}" : "")}: {exception.Message}", at);
        }
    }

    private void NotInTerminal(string what)
    {
        if (_inTerminal)
            throw _cursor.Fault($"a terminal can't hold {what}");
    }

    /// <summary>A terminal, and behind it what is ignored.</summary>
    private GrammarTree Skipping(GrammarTree terminal) =>
        _inTerminal ? terminal : GrammarTree.Sequence(terminal, GrammarTree.OfRule(_skip));
}
