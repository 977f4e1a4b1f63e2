using System.Text;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Notations;

/// <summary>The terminals of a grammar in Lark's syntax: strings, ranges, regular expressions, imports.</summary>
/// <param name="cursor">Where they are read.</param>
/// <param name="names">Where they are kept.</param>
internal sealed class LarkTerminals(GrammarCursor cursor, GrammarNames names)
{
    private readonly Dictionary<string, List<(string Name, int At)>> _needs = new(StringComparer.Ordinal);
    private List<(string Name, int At)> _needed = [];

    /// <summary>Whether a character may stand in a name.</summary>
    public static bool IsWord(char next) => char.IsAsciiLetterOrDigit(next) || next == '_';

    /// <summary>Whether a name is a terminal's: its first letter is a capital.</summary>
    public static bool IsTerminal(string name) => char.IsAsciiLetterUpper(name.AsSpan().TrimStart('_') is [var first, ..] ? first : '_');

    /// <summary>Notes that the terminal in hand holds another.</summary>
    public void Needs(string name, int at) => _needed.Add((name, at));

    /// <summary>Notes that a definition is read.</summary>
    public void Note(string name)
    {
        if (IsTerminal(name))
            _needs[name] = _needed;
        _needed = [];
    }

    /// <summary>Refuses terminals that hold themselves: they are lexical, without a stack.</summary>
    public void Check()
    {
        var state = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var root in _needs.Keys)
        {
            var path = new Stack<(string Name, int Next)>([(root, 0)]);
            while (path.TryPop(out var at))
            {
                if (at.Next == 0 && !state.TryAdd(at.Name, false) && state[at.Name])
                    continue;
                if (_needs.GetValueOrDefault(at.Name) is not { } needs || at.Next >= needs.Count)
                {
                    state[at.Name] = true;
                    continue;
                }

                path.Push((at.Name, at.Next + 1));
                if (!state.TryGetValue(needs[at.Next].Name, out var isDone))
                    path.Push((needs[at.Next].Name, 0));
                else if (!isDone)
                    throw cursor.Fault($"the terminal '{needs[at.Next].Name}' holds itself: only rules may", needs[at.Next].At);
            }
        }
    }

    /// <summary>Reads a string with its flag, or a range of characters.</summary>
    public GrammarTree ReadStringOrRange()
    {
        var at = cursor.At;
        var first = ReadString();
        if (cursor.Take(".."))
        {
            if (cursor.Next != '"')
                throw cursor.Fault("a range needs its last character here");
            var last = ReadString();
            return (first, last) is ([var low], [var high]) && low <= high
                ? GrammarTree.Set(CodePoints.Of((low, high)))
                : throw cursor.Fault("a range needs two characters in order", at);
        }

        var ignoresCase = cursor.Take("i");
        if (IsWord(cursor.Next))
            throw cursor.Fault("a string has no flag but i");
        if (!ignoresCase)
            return GrammarTree.Literal([.. first.SelectMany(rune => Encoding.UTF8.GetBytes(new Rune(rune).ToString())).Select(one
                => (int)one)]);
        return GrammarTree.Sequence([.. first.Select(rune => GrammarTree.Set(CharacterCases.Both(CodePoints.Single(rune))))]);
    }

    /// <summary>Reads a regular expression with its flags.</summary>
    public GrammarTree ReadPattern()
    {
        var at = cursor.At++;
        var start = cursor.At;
        while (cursor.Next != '/')
        {
            if (cursor.AtEnd || cursor.Next is '\n')
                throw cursor.Fault("a regular expression is not closed", at);
            cursor.At += cursor.Next == '\\' ? 2 : 1;
        }

        var pattern = cursor.From(start).Replace("\\/", "/", StringComparison.Ordinal);
        cursor.At++;
        var (ignoresCase, dotTakesAll) = (false, false);
        foreach (var flag in cursor.TakeWhile(IsWord))
        {
            switch (flag)
            {
                case 'i':
                    ignoresCase = true;
                    break;
                case 's':
                    dotTakesAll = true;
                    break;
                case 'u' or 'm':
                    // Patterns are of Unicode here in any case, and anchors mean the terminal's ends.
                    break;
                default:
                    throw cursor.Fault($"the flag {flag} of a regular expression is not supported: i, m, s and u are", at);
            }
        }

        try
        {
            return GrammarTree.OfPattern(Rewrite(RegexParser.Parse(pattern), ignoresCase, dotTakesAll));
        }
        catch (GuideException exception)
        {
            throw cursor.Fault(exception.Message, at);
        }
    }

    /// <summary>Reads what stands behind <c>%import</c>.</summary>
    public void Import()
    {
        var at = cursor.At;
        if (!cursor.Take("common"))
            throw cursor.Fault("only terminals of 'common' can be imported", at);
        cursor.Skip(lines: false, slashes: true);
        if (cursor.Take("."))
        {
            at = cursor.At;
            var name = cursor.TakeWhile(IsWord);
            cursor.Skip(lines: false, slashes: true);
            var alias = name;
            if (cursor.Take("->"))
            {
                cursor.Skip(lines: false, slashes: true);
                alias = cursor.TakeWhile(IsWord);
                if (!IsTerminal(alias))
                    throw cursor.Fault("a terminal's name is expected here");
            }

            Import(name, alias, at);
            return;
        }

        cursor.Need("(", "%import common");
        do
        {
            cursor.Skip(lines: true, slashes: true);
            at = cursor.At;
            var name = cursor.TakeWhile(IsWord);
            Import(name, name, at);
            cursor.Skip(lines: true, slashes: true);
        }
        while (cursor.Take(","));
        cursor.Need(")", "%import common");
    }

    private void Import(string name, string alias, int at)
    {
        if (!LarkLibrary.Patterns.TryGetValue(name, out var pattern))
            throw cursor.Fault($"'common' has no terminal '{name}' here; it has {string.Join(", ", LarkLibrary.Patterns.Keys)}", at);
        names.Define(alias, at, GrammarTree.OfPattern(RegexParser.Parse(pattern)));
        Note(alias);
    }

    private List<int> ReadString()
    {
        var start = cursor.At++;
        var runes = new List<int>();
        while (!cursor.Take("\""))
        {
            if (cursor.AtEnd || cursor.Next is '\n')
                throw cursor.Fault("a string is not closed", start);
            runes.Add(cursor.Next == '\\' ? ReadEscape() : cursor.TakeCodePoint());
        }

        return runes;
    }

    private int ReadEscape()
    {
        var at = cursor.At++;
        var escaped = cursor.Next;
        cursor.At++;
        return escaped switch
        {
            'x' => cursor.TakeHex(2),
            'u' => cursor.TakeHex(4),
            'U' => cursor.TakeHex(8),
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'b' => '\b',
            '\\' or '"' or '\'' or '/' => escaped,
            _ => throw cursor.Fault("the escape is none of \\n \\r \\t \\f \\v \\b \\\\ \\\" \\' \\/ \\x.. \\u.... \\U........", at),
        };
    }

    /// <summary>A pattern under Lark's flags; a dot takes all but the line feed there.</summary>
    private static RegexTree Rewrite(RegexTree tree, bool ignoresCase, bool dotTakesAll) => tree with
    {
        Members = [.. tree.Members.Select(member => Rewrite(member, ignoresCase, dotTakesAll))],
        Characters = ReferenceEquals(tree.Characters, RegexClasses.Dot)
            ? dotTakesAll ? CodePoints.All : CodePoints.Single('\n').Complement()
            : ignoresCase ? CharacterCases.Both(tree.Characters) : tree.Characters,
    };
}
