using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Grammars;

/// <summary>
/// Free text within a network: the automaton of Aho and Corasick over the strings that are looked for, together with that of well-formed
/// UTF-8. A token that is no text is taken only as a part of such a string, which must become complete then.
/// </summary>
internal sealed class FreeTextNodes
{
    private readonly GrammarNetwork _network;
    private readonly FreeText _text;
    private readonly List<Dictionary<int, int>> _children = [[]];
    private readonly List<int> _depth = [0];
    private readonly List<int> _firstToken = [int.MaxValue];
    private readonly List<List<int>> _complete = [[]];
    private readonly List<List<int>> _through = [[]];
    private readonly Dictionary<(int Node, byte Syntax), int> _nodes = [];
    private readonly Dictionary<(int Pattern, int Taken), int> _rests = [];
    private readonly Stack<(int Node, byte Syntax)> _pending = [];
    private readonly int[] _entries;
    private int[] _fail = [];
    private int _next;

    public FreeTextNodes(GrammarNetwork network, FreeText text)
    {
        (_network, _text) = (network, text);
        _entries = new int[text.Patterns.Count];
        Array.Fill(_entries, -1);
        for (var pattern = 0; pattern < text.Patterns.Count; pattern++)
            AddPattern(text.Patterns[pattern].Symbols, pattern);
        Fail();
    }

    /// <summary>Adds the text with what follows it; the node where it begins.</summary>
    public int Add(int next)
    {
        _next = next;
        var start = Node(0, Utf8Syntax.Between);
        while (_pending.TryPop(out var at))
        {
            var node = _nodes[at];
            if (at.Syntax == Utf8Syntax.Between)
            {
                if (_text.MayEnd && _firstToken[at.Node] == int.MaxValue)
                    _network.Link(node, next);
                foreach (var symbol in TokensFrom(at.Node))
                {
                    foreach (var target in Targets(at.Node, symbol, Utf8Syntax.Between))
                        _network.LinkSymbol(node, symbol, target);
                }
            }

            AddBytes(at.Node, at.Syntax, node);
        }

        return start;
    }

    private void AddPattern(IReadOnlyList<int> symbols, int pattern)
    {
        var node = 0;
        foreach (var symbol in symbols)
        {
            _network.AddSymbol(symbol);
            if (!_children[node].TryGetValue(symbol, out var child))
            {
                child = _children.Count;
                _children[node].Add(symbol, child);
                _children.Add([]);
                _complete.Add([]);
                _through.Add([]);
                _depth.Add(_depth[node] + 1);
                _firstToken.Add(Math.Min(_firstToken[node], symbol >= TokenNames.FirstToken ? _depth[node] : int.MaxValue));
            }

            node = child;
            _through[node].Add(pattern);
        }

        _complete[node].Add(pattern);
    }

    private void Fail()
    {
        _fail = new int[_children.Count];
        var pending = new Queue<int>(_children[0].Values);
        while (pending.TryDequeue(out var node))
        {
            foreach (var (symbol, child) in _children[node])
            {
                _fail[child] = Go(_fail[node], symbol);
                pending.Enqueue(child);
            }

            _complete[node].AddRange(_complete[_fail[node]]);
        }
    }

    /// <summary>The longest string that is looked for, or the begin of one, with which the text ends behind one more symbol.</summary>
    private int Go(int node, int symbol)
    {
        while (true)
        {
            if (_children[node].TryGetValue(symbol, out var child))
                return child;
            if (node == 0)
                return 0;
            node = _fail[node];
        }
    }

    private int Node(int node, byte syntax)
    {
        if (!_nodes.TryGetValue((node, syntax), out var number))
        {
            _nodes.Add((node, syntax), number = _network.NewNode());
            _pending.Push((node, syntax));
        }

        return number;
    }

    private IEnumerable<int> TokensFrom(int node)
    {
        var symbols = new SortedSet<int>();
        for (; ; node = _fail[node])
        {
            symbols.UnionWith(_children[node].Keys.Where(symbol => symbol >= TokenNames.FirstToken));
            if (node == 0)
                return symbols;
        }
    }

    /// <summary>Where one more symbol leads: to what follows the strings that it completes, else on within the text.</summary>
    private IReadOnlyList<int> Targets(int node, int symbol, byte syntax)
    {
        var after = Go(node, symbol);
        var first = Math.Min(_firstToken[node], symbol >= TokenNames.FirstToken ? _depth[node] : int.MaxValue);
        if (first != int.MaxValue && _depth[after] < _depth[node] + 1 - first)
            return [];
        if (_complete[after].Count == 0)
            return [Node(after, syntax)];
        if (_complete[after].Exists(pattern => _text.Patterns[pattern].Then is null))
            return Rests(after);
        return [.. _complete[after].Select(Entry)];
    }

    /// <summary>Behind a string that must not be in the text: only a string that has begun by now may still become complete.</summary>
    private List<int> Rests(int node)
    {
        var targets = new List<int>();
        for (; node > 0; node = _fail[node])
        {
            foreach (var pattern in _through[node].Where(pattern => _text.Patterns[pattern].Then is not null))
            {
                if (!_rests.TryGetValue((pattern, _depth[node]), out var rest))
                {
                    var symbols = _text.Patterns[pattern].Symbols.Skip(_depth[node]);
                    rest = _network.Add(GrammarTree.Literal([.. symbols]), Entry(pattern));
                    _rests.Add((pattern, _depth[node]), rest);
                }

                targets.Add(rest);
            }
        }

        return targets;
    }

    private int Entry(int pattern)
    {
        if (_entries[pattern] < 0)
        {
            var (then, returns) = (_text.Patterns[pattern].Then!, _text.Patterns[pattern].Returns);
            _entries[pattern] = _network.Add(then, returns ? Node(0, Utf8Syntax.Between) : _next);
        }

        return _entries[pattern];
    }

    private void AddBytes(int node, byte syntax, int from)
    {
        // Bytes that lead to the same place stand in one edge.
        var (first, open) = (0, (Node: -1, Syntax: Utf8Syntax.Fault));
        for (var next = 0; next <= 256; next++)
        {
            var after = next == 256 ? Utf8Syntax.Fault : Utf8Syntax.Step(syntax, (byte)next);
            var place = after == Utf8Syntax.Fault ? (Node: -1, Syntax: Utf8Syntax.Fault) : (Node: Go(node, next), Syntax: after);
            if (place == open)
                continue;
            if (open.Node >= 0)
            {
                foreach (var target in Targets(node, next - 1, open.Syntax))
                    _network.LinkBytes(from, (byte)first, (byte)(next - 1), target);
            }

            (first, open) = (next, place);
        }
    }
}
