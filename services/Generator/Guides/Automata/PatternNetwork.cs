using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Automata;

/// <summary>
/// The nondeterministic automaton of a regular expression over bytes. Edges without a byte are of three kinds: free, only at the text's
/// begin,
/// and only at its end. State 0 accepts, wherever the text goes on.
/// </summary>
internal sealed class PatternNetwork
{
    /// <summary>The state that accepts.</summary>
    public const int Accept = 0;

    private readonly List<PatternEdge> _edges = [];
    private readonly List<int> _firstEdge = [];
    private PatternEdge[] _builtEdges = [];
    private int[] _builtFirst = [];
    private readonly HashSet<CodePoints> _sets = [];
    private readonly TextEncoding _encoding;

    private PatternNetwork(TextEncoding encoding)
    {
        _encoding = encoding;
        NewState();
    }

    /// <summary>Where the automaton begins.</summary>
    public int Start { get; private set; }

    /// <summary>Whether any text leads from the start to itself.</summary>
    public bool MayBeginLater { get; private set; }

    public int Count => _firstEdge.Count;

    /// <summary>Builds the automaton of "the text holds a match".</summary>
    /// <exception cref="GuideException">It has more states than <see cref="GuideLimits.PatternStatesMax"/>.</exception>
    public static PatternNetwork Build(RegexTree tree, TextEncoding encoding)
    {
        var network = new PatternNetwork(encoding);
        var match = network.Add(tree, Accept);
        var start = network.NewState();
        network.Link(start, match, PatternEdgeKind.Free);
        network.MayBeginLater = !BeginsAtTheBegin(tree);
        if (network.MayBeginLater)
            network.AddSet(start, CodePoints.All, start);
        network.Start = start;
        (network._builtEdges, network._builtFirst) = ([.. network._edges], [.. network._firstEdge]);
        return network;
    }

    /// <summary>The sets of characters that the expression names.</summary>
    public IReadOnlyCollection<CodePoints> Sets => _sets;

    /// <summary>Whether some set of the expression holds some of these characters and not all of them.</summary>
    public bool TellsApart(CodePoints characters) => _sets.Any(set => set.Splits(characters));

    public EdgeList EdgesOf(int state) => new(_builtEdges, _builtFirst[state]);

    private static bool BeginsAtTheBegin(RegexTree tree) => tree.Kind switch
    {
        RegexKind.Begin => true,
        RegexKind.Sequence => tree.Members.Count > 0 && BeginsAtTheBegin(tree.Members[0]),
        RegexKind.Choice => tree.Members.All(BeginsAtTheBegin),
        _ => false,
    };

    private int Add(RegexTree tree, int next)
    {
        switch (tree.Kind)
        {
            case RegexKind.Empty:
                return next;
            case RegexKind.Begin or RegexKind.End:
                var anchor = NewState();
                Link(anchor, next, tree.Kind == RegexKind.Begin ? PatternEdgeKind.AtBegin : PatternEdgeKind.AtEnd);
                return anchor;
            case RegexKind.Set:
                var from = NewState();
                AddSet(from, tree.Characters, next);
                return from;
            case RegexKind.Sequence:
                for (var i = tree.Members.Count - 1; i >= 0; i--)
                    next = Add(tree.Members[i], next);
                return next;
            case RegexKind.Choice:
                var fork = NewState();
                foreach (var member in tree.Members)
                    Link(fork, Add(member, next), PatternEdgeKind.Free);
                return fork;
            default:
                return AddRepeat(tree, next);
        }
    }

    private int AddRepeat(RegexTree tree, int next)
    {
        var member = tree.Members[0];
        if (tree.Max < 0)
        {
            var loop = NewState();
            Link(loop, Add(member, loop), PatternEdgeKind.Free);
            Link(loop, next, PatternEdgeKind.Free);
            next = loop;
        }
        else
        {
            var after = next;
            for (var i = tree.Min; i < tree.Max; i++)
            {
                var fork = NewState();
                Link(fork, Add(member, next), PatternEdgeKind.Free);
                Link(fork, after, PatternEdgeKind.Free);
                next = fork;
            }
        }

        for (var i = 0; i < tree.Min; i++)
            next = Add(member, next);
        return next;
    }

    private void AddSet(int from, CodePoints characters, int to)
    {
        _sets.Add(characters);

        // Sequences with the same rest share its states: the rest of a character is the same whatever its lead byte was.
        var rests = new Dictionary<(byte First, byte Last, int Target), int>();
        foreach (var sequence in ByteSequences.Of(characters, _encoding))
        {
            var target = to;
            for (var i = sequence.Length - 1; i > 0; i--)
            {
                var (first, last) = sequence[i];
                if (!rests.TryGetValue((first, last, target), out var state))
                {
                    state = NewState();
                    Edge(state, new PatternEdge(PatternEdgeKind.Byte, first, last, target));
                    rests.Add((first, last, target), state);
                }

                target = state;
            }

            Edge(from, new PatternEdge(PatternEdgeKind.Byte, sequence[0].First, sequence[0].Last, target));
        }
    }

    private int NewState()
    {
        GuideLimits.ThrowIfStopped();
        if (_firstEdge.Count >= GuideLimits.PatternStatesMax)
            throw new GuideException("", $"the pattern is too large: it needs more than {GuideLimits.PatternStatesMax} states");
        _firstEdge.Add(-1);
        return _firstEdge.Count - 1;
    }

    private void Link(int from, int to, PatternEdgeKind kind) => Edge(from, new PatternEdge(kind, 0, 0, to));

    private void Edge(int from, PatternEdge edge)
    {
        _edges.Add(edge with { NextEdge = _firstEdge[from] });
        _firstEdge[from] = _edges.Count - 1;
    }

    /// <summary>The edges out of one state.</summary>
    internal readonly ref struct EdgeList(PatternEdge[] edges, int first)
    {
        public Enumerator GetEnumerator() => new(edges, first);

        internal ref struct Enumerator(PatternEdge[] edges, int first)
        {
            private int _at = first;

            public PatternEdge Current { get; private set; }

            public bool MoveNext()
            {
                if (_at < 0)
                    return false;
                Current = edges[_at];
                _at = Current.NextEdge;
                return true;
            }
        }
    }
}
