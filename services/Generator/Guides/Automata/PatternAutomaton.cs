namespace Parley.Generator.Guides.Automata;

/// <summary>
/// A regular expression as a deterministic automaton, made state by state as texts need them (the subset construction).
/// A state from which no text matches is <see cref="Dead"/>, one from which all do is <see cref="Sure"/>; every other can reach a match.
/// </summary>
internal sealed class PatternAutomaton : TextAutomaton
{
    private const int Dead = 0;
    private const int Sure = 1;

    private readonly PatternNetwork _network;
    private readonly bool[] _endsHere;
    private readonly bool[] _alive;
    private readonly byte[] _representatives;
    private readonly List<int[]> _members = [];
    private readonly List<bool> _accepting = [];
    private readonly List<int[]> _next = [];
    private readonly Dictionary<StateSet, int> _numbers = [];
    private readonly int[] _mark;
    private readonly List<int> _found = [];
    private int _round;

    private PatternAutomaton(PatternNetwork network)
    {
        _network = network;
        (Classes, _representatives) = Classify(network);
        _endsHere = Closure(network, [PatternNetwork.Accept], edge => edge is PatternEdgeKind.Free or PatternEdgeKind.AtEnd);
        _alive = Closure(network, Indices(_endsHere), edge => edge is PatternEdgeKind.Free or PatternEdgeKind.Byte);
        _mark = new int[network.Count];
        Add([], accepting: false);
        Add([PatternNetwork.Accept], accepting: true);
        Start = StartState();
    }

    /// <inheritdoc/>
    public override int Start { get; }

    /// <inheritdoc/>
    public override byte[] Classes { get; }

    /// <summary>An automaton for texts that hold a match of the tree (anchor it for texts that are one).</summary>
    public static PatternAutomaton Of(RegexTree tree, TextEncoding encoding = TextEncoding.Json) => new(PatternNetwork.Build(tree, encoding));

    /// <inheritdoc/>
    public override int Step(int state, byte next)
    {
        if (state <= Sure)
            return state;
        var known = _next[state][Classes[next]];
        return known >= 0 ? known : StepAnew(state, Classes[next]);
    }

    /// <inheritdoc/>
    public override Verdict End(int state) => _accepting[state] ? Verdict.True : Verdict.False;

    /// <inheritdoc/>
    public override Verdict? Settled(int state) => state switch { Dead => Verdict.False, Sure => Verdict.True, _ => null };

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => state != Dead;

    private static (byte[] Classes, byte[] Representatives) Classify(PatternNetwork network)
    {
        var cuts = new bool[257];
        for (var state = 0; state < network.Count; state++)
        {
            foreach (var edge in network.EdgesOf(state))
            {
                if (edge.Kind == PatternEdgeKind.Byte)
                    cuts[edge.First] = cuts[edge.Last + 1] = true;
            }
        }

        var classes = new byte[256];
        var representatives = new List<byte> { 0 };
        for (var value = 1; value < 256; value++)
        {
            if (cuts[value])
                representatives.Add((byte)value);
            classes[value] = (byte)(representatives.Count - 1);
        }

        return (classes, [.. representatives]);
    }

    /// <summary>The states from which one of the targets can be reached over edges that count.</summary>
    private static bool[] Closure(PatternNetwork network, IEnumerable<int> targets, Func<PatternEdgeKind, bool> counts)
    {
        var sources = new List<int>[network.Count];
        for (var state = 0; state < network.Count; state++)
        {
            foreach (var edge in network.EdgesOf(state))
            {
                if (counts(edge.Kind))
                    (sources[edge.Target] ??= []).Add(state);
            }
        }

        var reached = new bool[network.Count];
        var pending = new Stack<int>();
        foreach (var target in targets)
        {
            reached[target] = true;
            pending.Push(target);
        }

        while (pending.TryPop(out var state))
        {
            foreach (var source in sources[state] ?? [])
            {
                if (!reached[source])
                {
                    reached[source] = true;
                    pending.Push(source);
                }
            }
        }

        return reached;
    }

    private static IEnumerable<int> Indices(bool[] set) => Enumerable.Range(0, set.Length).Where(index => set[index]);

    private int StartState()
    {
        BeginRound();
        Collect(_network.Start, atBegin: true);
        var members = Found();

        // Begin and end coincide in the empty text, so that both anchors hold in it.
        _round++;
        var empty = new Stack<int>([_network.Start]);
        var accepting = false;
        while (empty.TryPop(out var state))
        {
            if (_mark[state] == _round)
                continue;
            _mark[state] = _round;
            accepting |= state == PatternNetwork.Accept;
            foreach (var edge in _network.EdgesOf(state))
            {
                if (edge.Kind != PatternEdgeKind.Byte)
                    empty.Push(edge.Target);
            }
        }

        if (members is [PatternNetwork.Accept, ..])
            return Sure;
        return Add(members, accepting); // of its own: it alone accepts by an anchor at the begin
    }

    private int StepAnew(int state, byte byteClass)
    {
        BeginRound();
        var next = _representatives[byteClass];
        foreach (var member in _members[state])
        {
            foreach (var edge in _network.EdgesOf(member))
            {
                if (edge.Kind == PatternEdgeKind.Byte && edge.First <= next && next <= edge.Last)
                    Collect(edge.Target, atBegin: false);
            }
        }

        var found = Found();
        int target;
        if (found.Length == 0)
            target = Dead;
        else if (found[0] == PatternNetwork.Accept)
            target = Sure;
        else if (!_numbers.TryGetValue(new StateSet(found), out target))
            _numbers.Add(new StateSet(found), target = Add(found, found.Any(member => _endsHere[member])));
        _next[state][byteClass] = target;
        return target;
    }

    private void BeginRound()
    {
        _round++;
        _found.Clear();
    }

    private int[] Found()
    {
        _found.Sort();
        return [.. _found];
    }

    /// <summary>Takes up a state and what is reached from it without a byte, so far as a match can still follow.</summary>
    private void Collect(int from, bool atBegin)
    {
        var pending = new Stack<int>();
        pending.Push(from);
        while (pending.TryPop(out var state))
        {
            if (_mark[state] == _round)
                continue;
            _mark[state] = _round;
            if (_alive[state])
                _found.Add(state);
            foreach (var edge in _network.EdgesOf(state))
            {
                if (edge.Kind == PatternEdgeKind.Free || (edge.Kind == PatternEdgeKind.AtBegin && atBegin))
                    pending.Push(edge.Target);
            }
        }
    }

    private int Add(int[] members, bool accepting)
    {
        if (_members.Count >= GuideLimits.AutomatonStatesMax)
            throw new GuideException("", $"a pattern is too complex: it needs more than {GuideLimits.AutomatonStatesMax} states");
        _members.Add(members);
        _accepting.Add(accepting);
        var row = new int[_representatives.Length];
        Array.Fill(row, -1);
        _next.Add(row);
        return _members.Count - 1;
    }
}
