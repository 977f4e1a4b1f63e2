using System.Runtime.InteropServices;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Automata;

/// <summary>
/// A regular expression as a deterministic automaton, made state by state as texts need them (the subset construction).
/// A state from which no text matches is <see cref="Dead"/>, one from which all do is <see cref="Sure"/>; every other can reach a match.
/// </summary>
internal sealed class PatternAutomaton : TextAutomaton
{
    private const int Dead = 0;
    private const int Sure = 1;

    private readonly PatternProgram _program;
    private readonly PatternNetwork _network;
    private readonly List<int[]> _members = [];
    private readonly List<bool> _accepting = [];
    private readonly StepTable _next;
    private readonly List<int> _distances = [];
    private readonly Dictionary<StateSet, int>.AlternateLookup<ReadOnlySpan<int>> _numbers =
        new Dictionary<StateSet, int>(StateSets.Comparer).GetAlternateLookup<ReadOnlySpan<int>>();
    private readonly int[] _mark;
    private readonly List<int> _found = [];
    private readonly Stack<int> _pending = [];
    private int _round;

    public PatternAutomaton(PatternProgram program)
    {
        (_program, _network) = (program, program.Network);
        _mark = new int[_network.Count];
        _next = new StepTable(program.Representatives.Length);
        Add([], accepting: false);
        Add([PatternNetwork.Accept], accepting: true);
        Start = StartState();
    }

    /// <inheritdoc/>
    public override int Start { get; }

    /// <inheritdoc/>
    public override byte[] Classes => _program.Classes;

    /// <summary>See <see cref="PatternProgram.DistanceMax"/>.</summary>
    public int DistanceMax => _program.DistanceMax;

    /// <summary>See <see cref="PatternProgram.NeverDies"/>.</summary>
    public bool NeverDies => _program.NeverDies;

    /// <summary>An automaton for texts that hold a match of the tree (anchor it for texts that are one).</summary>
    public static PatternAutomaton Of(RegexTree tree, TextEncoding encoding = TextEncoding.Json) => new(new PatternProgram(tree, encoding));

    /// <inheritdoc/>
    public override int Step(int state, byte next)
    {
        if (state <= Sure)
            return state;
        var known = _next.At(state, _program.Classes[next]);
        return known >= 0 ? known : StepAnew(state, _program.Classes[next]);
    }

    /// <inheritdoc/>
    public override Verdict End(int state) => _accepting[state] ? Verdict.True : Verdict.False;

    /// <inheritdoc/>
    public override Verdict? Settled(int state) => state switch { Dead => Verdict.False, Sure => Verdict.True, _ => null };

    /// <inheritdoc/>
    public override int Distance(int state) => _distances[state];

    /// <inheritdoc/>
    public override bool TellsApart(CodePoints characters) => _network.TellsApart(characters);

    /// <inheritdoc/>
    public override bool? CanEndTrue(int state) => state != Dead;

    private int StartState()
    {
        BeginRound();
        Collect(_network.Start, atBegin: true);
        _found.Sort();
        int[] members = [.. _found];

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
        var next = _program.Representatives[byteClass];
        foreach (var member in _members[state])
        {
            foreach (var edge in _network.EdgesOf(member))
            {
                if (edge.Kind == PatternEdgeKind.Byte && edge.First <= next && next <= edge.Last)
                    Collect(edge.Target, atBegin: false);
            }
        }

        _found.Sort();
        var found = CollectionsMarshal.AsSpan(_found);
        int target;
        if (found.Length == 0)
            target = Dead;
        else if (found[0] == PatternNetwork.Accept)
            target = Sure;
        else if (!_numbers.TryGetValue(found, out target))
            target = Number([.. found]);
        _next.At(state, byteClass) = target;
        return target;
    }

    private void BeginRound()
    {
        _round++;
        _found.Clear();
    }

    private int Number(int[] members)
    {
        var number = Add(members, members.Any(member => _program.EndsHere[member]));
        _numbers.Dictionary.Add(new StateSet(members), number);
        return number;
    }

    /// <summary>Takes up a state and what is reached from it without a byte, so far as a match can still follow.</summary>
    private void Collect(int from, bool atBegin)
    {
        _pending.Push(from);
        while (_pending.TryPop(out var state))
        {
            if (_mark[state] == _round)
                continue;
            _mark[state] = _round;
            if (_program.IsAlive[state])
                _found.Add(state);
            foreach (var edge in _network.EdgesOf(state))
            {
                if (edge.Kind == PatternEdgeKind.Free || (edge.Kind == PatternEdgeKind.AtBegin && atBegin))
                    _pending.Push(edge.Target);
            }
        }
    }

    private int Add(int[] members, bool accepting)
    {
        GuideLimits.ThrowIfStopped();
        if (_members.Count >= GuideLimits.AutomatonStatesMax)
            throw new GuideException("", $"a pattern is too complex: it needs more than {GuideLimits.AutomatonStatesMax} states");
        _members.Add(members);
        _accepting.Add(accepting);
        _distances.Add(accepting || members.Length == 0 ? 0 : members.Min(_program.Distance));
        _next.Add();
        return _members.Count - 1;
    }
}
