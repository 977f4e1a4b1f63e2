using System.Runtime.CompilerServices;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Grammars;

/// <summary>
/// A grammar as a network: each rule a nondeterministic automaton that calls others. Every rule ends in the node <see cref="Final"/>, so
/// that a call with which a rule ends needs no return: it is an edge to the other rule. Small rules that do not contain themselves stand in
/// the place of their calls.
/// </summary>
internal sealed class GrammarNetwork
{
    /// <summary>The end of every rule.</summary>
    public const int Final = 0;

    private readonly List<GrammarEdge> _edges = [];
    private readonly List<int> _firstEdge = [];
    private readonly List<GuideMachine> _machines = [];
    private readonly List<int[]> _tokenLists = [];
    private readonly HashSet<CodePoints> _sets = [];
    private bool _spells;
    private readonly int[] _starts;
    private readonly Queue<int> _pending = [];
    private readonly GrammarSizes _sizes;

    /// <summary>Builds the network of the rules that the root needs.</summary>
    /// <exception cref="GuideException">It has more nodes than <see cref="GuideLimits.GrammarNodesMax"/>.</exception>
    public GrammarNetwork(Grammar grammar)
    {
        Grammar = grammar;
        _sizes = new GrammarSizes(grammar);
        _starts = new int[grammar.Rules.Count];
        Array.Fill(_starts, -1);
        NewNode();
        Need(grammar.Root);
        while (_pending.TryDequeue(out var rule))
        {
            // The start was given out before it was built, so that calls could lead there.
            Link(_starts[rule], Add(grammar.Rules[rule].Tree, Final));
        }
    }

    public Grammar Grammar { get; }

    public int Count => _firstEdge.Count;

    /// <summary>Edges of all nodes.</summary>
    public int EdgeCount => _edges.Count;

    /// <summary>Where the text begins.</summary>
    public int Start => _starts[Grammar.Root];

    public IReadOnlyList<GuideMachine> Machines => _machines;

    /// <summary>Where a rule begins; −1 for one that nobody needs, or that stands in the place of its calls.</summary>
    public int StartOf(int rule) => _starts[rule];

    /// <summary>The ids of a list of tokens.</summary>
    public int[] Tokens(int list) => _tokenLists[list];

    /// <summary>The first edge out of a node; −1 for none.</summary>
    public int FirstEdge(int node) => _firstEdge[node];

    public GrammarEdge Edge(int edge) => _edges[edge];

    /// <summary>Whether some set of the grammar holds some of these characters, which lie beyond ASCII, and not all of them.</summary>
    public bool TellsApart(CodePoints characters) => _spells || _sets.Any(set => set.Splits(characters));

    /// <summary>Takes note of a set of characters, whose edges are made elsewhere.</summary>
    public void AddSet(CodePoints characters) => _sets.Add(characters);

    /// <summary>Takes note of a symbol of a text that is spelt out.</summary>
    public void AddSymbol(int symbol) => _spells |= symbol is >= 0x80 and < TokenNames.FirstToken;

    /// <summary>Makes a node.</summary>
    public int NewNode()
    {
        GuideLimits.ThrowIfStopped();
        if (_firstEdge.Count >= GuideLimits.GrammarNodesMax)
            throw new GuideException("", $"the grammar is too large: it needs more than {GuideLimits.GrammarNodesMax} nodes");
        _firstEdge.Add(-1);
        return _firstEdge.Count - 1;
    }

    /// <summary>Adds an edge that takes nothing.</summary>
    public void Link(int from, int to) => Connect(from, new GrammarEdge(GrammarEdgeKind.Free, 0, 0, 0, to));

    /// <summary>Adds an edge that takes a byte of a range.</summary>
    public void LinkBytes(int from, byte first, byte last, int to) =>
        Connect(from, new GrammarEdge(GrammarEdgeKind.Byte, first, last, 0, to));

    /// <summary>Adds an edge that takes a symbol.</summary>
    public void LinkSymbol(int from, int symbol, int to)
    {
        AddSymbol(symbol);
        Connect(from, symbol < TokenNames.FirstToken
            ? new GrammarEdge(GrammarEdgeKind.Byte, (byte)symbol, (byte)symbol, 0, to)
            : new GrammarEdge(GrammarEdgeKind.Token, 0, 0, symbol - TokenNames.FirstToken, to));
    }

    /// <summary>Adds a tree with what follows it; the node where it begins.</summary>
    public int Add(GrammarTree tree, int next)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new GuideException("", "the grammar nests too deeply");
        switch (tree.Kind)
        {
            case GrammarKind.Literal:
                for (var i = tree.Symbols.Count - 1; i >= 0; i--)
                {
                    var before = NewNode();
                    LinkSymbol(before, tree.Symbols[i], next);
                    next = before;
                }

                return next;
            case GrammarKind.Set:
                return AddSet(tree.Characters, next);
            case GrammarKind.OtherToken:
                _tokenLists.Add([.. tree.Symbols]);
                return AddEdge(GrammarEdgeKind.OtherToken, _tokenLists.Count - 1, next);
            case GrammarKind.Sequence:
                for (var i = tree.Members.Count - 1; i >= 0; i--)
                    next = Add(tree.Members[i], next);
                return next;
            case GrammarKind.Choice:
                var fork = NewNode();
                foreach (var member in tree.Members)
                    Link(fork, Add(member, next));
                return fork;
            case GrammarKind.Repeat:
                return AddRepeat(tree, next);
            case GrammarKind.Rule when _sizes.IsInline(tree.Rule):
                return Add(Grammar.Rules[tree.Rule].Tree, next);
            case GrammarKind.Rule:
                Need(tree.Rule);
                return AddEdge(GrammarEdgeKind.Call, tree.Rule, next);
            case GrammarKind.Machine:
                var machine = _machines.IndexOf(tree.Machine!);
                if (machine < 0)
                {
                    machine = _machines.Count;
                    _machines.Add(tree.Machine!);
                }

                return AddEdge(GrammarEdgeKind.Machine, machine, next);
            case GrammarKind.Pattern:
                return PatternNodes.Add(this, tree.Pattern!, next);
            default:
                return new FreeTextNodes(this, tree.Text!).Add(next);
        }
    }

    private void Need(int rule)
    {
        if (_starts[rule] >= 0)
            return;
        _starts[rule] = NewNode();
        _pending.Enqueue(rule);
    }

    private int AddEdge(GrammarEdgeKind kind, int value, int next)
    {
        var node = NewNode();
        Connect(node, new GrammarEdge(kind, 0, 0, value, next));
        return node;
    }

    private int AddRepeat(GrammarTree tree, int next)
    {
        var member = tree.Members[0];
        if (tree.Max < 0)
        {
            var loop = NewNode();
            Link(loop, Add(member, loop));
            Link(loop, next);
            next = loop;
        }
        else
        {
            var after = next;
            for (var i = tree.Min; i < tree.Max; i++)
            {
                var fork = NewNode();
                var begin = Add(member, next);
                if (begin == next)
                    break;
                Link(fork, begin);
                Link(fork, after);
                next = fork;
            }
        }

        for (var i = 0; i < tree.Min; i++)
        {
            // What takes nothing takes nothing however often.
            var before = Add(member, next);
            if (before == next)
                break;
            next = before;
        }

        return next;
    }

    private int AddSet(CodePoints characters, int next)
    {
        _sets.Add(characters);

        // Sequences with the same rest share its nodes: the rest of a character is the same whatever its lead byte was.
        var from = NewNode();
        var rests = new Dictionary<string, int>();
        foreach (var sequence in ByteSequences.Of(characters, TextEncoding.Plain))
        {
            var target = next;
            var key = "";
            for (var i = sequence.Length - 1; i > 0; i--)
            {
                key = $"{sequence[i].First}-{sequence[i].Last},{key}";
                if (!rests.TryGetValue(key, out var node))
                {
                    node = NewNode();
                    LinkBytes(node, sequence[i].First, sequence[i].Last, target);
                    rests.Add(key, node);
                }

                target = node;
            }

            LinkBytes(from, sequence[0].First, sequence[0].Last, target);
        }

        return from;
    }

    private void Connect(int from, GrammarEdge edge)
    {
        _edges.Add(edge with { NextEdge = _firstEdge[from] });
        _firstEdge[from] = _edges.Count - 1;
    }
}
