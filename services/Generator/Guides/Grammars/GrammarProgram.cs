using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Grammars;

/// <summary>
/// What follows from a network: which nodes can come to an end, which rules may be empty, what is reached without reading. A call of a rule
/// that may be empty is an edge around it too, and one at a rule's end an edge to the other rule: both are then never looked at again.
/// </summary>
internal sealed class GrammarProgram
{
    private readonly GrammarNetwork _network;
    private readonly bool[] _isAlive;
    private readonly bool[] _isEmpty;
    private readonly GrammarClosure?[] _closures;
    private readonly int[] _mark;
    private int _round;

    /// <exception cref="GuideException">A rule can't come to an end.</exception>
    public GrammarProgram(GrammarNetwork network)
    {
        _network = network;
        _closures = new GrammarClosure?[network.Count];
        _mark = new int[network.Count];
        var sources = Sources();
        _isAlive = Close(sources, kind => kind is not GrammarEdgeKind.Call);
        _isEmpty = Close(sources, kind => kind is GrammarEdgeKind.Free);
        RefuseEndless();
        (Classes, Representatives) = Classify();
    }

    public GrammarNetwork Network => _network;

    /// <summary>256 entries: bytes that no edge tells apart have one class.</summary>
    public byte[] Classes { get; }

    /// <summary>One byte of each class.</summary>
    public byte[] Representatives { get; }

    /// <summary>What is reached from a node without reading anything.</summary>
    public GrammarClosure Closure(int node) => _closures[node] ??= Reach(node);

    /// <summary>Whether an edge is a call with which its rule ends.</summary>
    public bool IsTailCall(GrammarEdge edge) => edge.Kind == GrammarEdgeKind.Call && IsBare(edge.Target);

    /// <summary>Whether from a node the rule can be ended.</summary>
    public bool IsAlive(int node) => _isAlive[node];

    private List<(int Node, int Edge)>[] Sources()
    {
        var sources = new List<(int, int)>[_network.Count];
        for (var node = 0; node < _network.Count; node++)
        {
            GuideLimits.ThrowIfStopped();
            for (var index = _network.FirstEdge(node); index >= 0; index = _network.Edge(index).NextEdge)
            {
                var edge = _network.Edge(index);
                (sources[edge.Target] ??= []).Add((node, index));
                if (edge.Kind == GrammarEdgeKind.Call)
                    (sources[_network.StartOf(edge.Value)] ??= []).Add((node, index));
            }
        }

        return sources;
    }

    /// <summary>The nodes from which the end of a rule is reached over edges that count, and over calls of which both halves do.</summary>
    private bool[] Close(List<(int Node, int Edge)>[] sources, Func<GrammarEdgeKind, bool> counts)
    {
        var reached = new bool[_network.Count];
        reached[GrammarNetwork.Final] = true;
        var pending = new Stack<int>([GrammarNetwork.Final]);
        while (pending.TryPop(out var target))
        {
            GuideLimits.ThrowIfStopped();
            foreach (var (node, index) in sources[target] ?? [])
            {
                var edge = _network.Edge(index);
                var isPassable = edge.Kind == GrammarEdgeKind.Call
                    ? reached[edge.Target] && reached[_network.StartOf(edge.Value)]
                    : counts(edge.Kind);
                if (!isPassable || reached[node])
                    continue;
                reached[node] = true;
                pending.Push(node);
            }
        }

        return reached;
    }

    private void RefuseEndless()
    {
        for (var rule = 0; rule < _network.Grammar.Rules.Count; rule++)
        {
            if (_network.StartOf(rule) is >= 0 and var start && !_isAlive[start])
            {
                throw new GuideException(
                    "", $"the rule '{_network.Grammar.Rules[rule].Name}' matches no text: however it goes on, it never comes to an end");
            }
        }
    }

    private bool IsBare(int node)
    {
        for (var steps = 0; steps < 100; steps++)
        {
            if (node == GrammarNetwork.Final)
                return true;
            if (_network.FirstEdge(node) is not (>= 0 and var index) || _network.Edge(index) is not
                { Kind: GrammarEdgeKind.Free, NextEdge: < 0 } edge)
            {
                return false;
            }

            node = edge.Target;
        }

        return false;
    }

    private GrammarClosure Reach(int from)
    {
        _round++;
        var found = new List<int>();
        var isFinal = false;
        var pending = new Stack<int>([from]);
        while (pending.TryPop(out var node))
        {
            if (_mark[node] == _round || !_isAlive[node])
                continue;
            _mark[node] = _round;
            isFinal |= node == GrammarNetwork.Final;
            var reads = false;
            for (var index = _network.FirstEdge(node); index >= 0;)
            {
                var edge = _network.Edge(index);
                index = edge.NextEdge;
                if (edge.Kind == GrammarEdgeKind.Free)
                {
                    pending.Push(edge.Target);
                    continue;
                }

                reads |= !IsTailCall(edge);
                if (edge.Kind != GrammarEdgeKind.Call)
                    continue;
                if (_isEmpty[_network.StartOf(edge.Value)])
                    pending.Push(edge.Target);
                if (IsTailCall(edge))
                    pending.Push(_network.StartOf(edge.Value));
            }

            if (reads)
                found.Add(node);
            if (found.Count > GuideLimits.GrammarItemsMax)
                throw TooManyWays();
        }

        GuideLimits.ThrowIfStopped();
        found.Sort();
        return new GrammarClosure([.. found], isFinal);
    }

    /// <summary>The refusal of a place that can be read in too many ways.</summary>
    public static GuideException TooManyWays() => new(
        "", $"the grammar is too complex: a place of the text can be read in more than {GuideLimits.GrammarItemsMax} ways");

    private (byte[] Classes, byte[] Representatives) Classify()
    {
        var classes = new ByteClasses();
        for (var index = 0; index < _network.EdgeCount; index++)
        {
            var edge = _network.Edge(index);
            if (edge.Kind == GrammarEdgeKind.Byte)
                classes.Add(edge.First, edge.Last);
        }

        return classes.Number();
    }
}
