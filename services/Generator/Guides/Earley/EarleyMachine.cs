using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Earley;

/// <summary>
/// Reads texts byte by byte under a grammar, all ways at once (Earley's algorithm over bytes). A place of a text is the set of ways to
/// read it; equal sets are one state, whose steps are kept, so that a regular grammar becomes a finite automaton and any other one a graph
/// of the places that texts have met. Not safe for several threads.
/// </summary>
internal sealed class EarleyMachine : GuideMachine
{
    private static readonly GrammarState None = new() { Kernel = [], Items = [], Starts = [], MayEnd = false, TakesTokens = false };

    private readonly GrammarProgram _program;
    private readonly GrammarNetwork _network;
    private readonly Dictionary<StateSet, GrammarState> _states = [];
    private readonly Caller _whole = new(0);
    private readonly HashSet<long> _seen = [];
    private readonly HashSet<int> _ended = [];
    private readonly List<GrammarItem> _found = [];
    private readonly Stack<GrammarItem> _pending = [];
    private readonly Dictionary<int, Caller> _called = [];
    private readonly List<Embedding> _starts = [];
    private bool _mayEnd;
    private int _callers;
    private int _steps;
    private int _weight;
    private int _generation;

    /// <exception cref="GuideException">A rule has no end, or the grammar goes beyond a limit.</exception>
    public EarleyMachine(Grammar grammar)
    {
        _network = new GrammarNetwork(grammar);
        _program = new GrammarProgram(_network);
        BeginSet();
        Reach(new GrammarItem(_network.Start, _whole));
        Start = new Place(Seal(), null);
    }

    /// <inheritdoc/>
    public override Place Start { get; }

    /// <inheritdoc/>
    public override long Bytes => (_network.EdgeCount * 24L) + (_network.Count * 16L) + (_weight * 200L)
        + _network.Machines.Sum(machine => machine.Bytes);

    /// <summary>256 entries: bytes of one class lead from every state to the same state.</summary>
    public byte[] Classes => _program.Classes;

    /// <summary>Whether a place is this machine's own, and not one of a machine within.</summary>
    public static bool Owns(Place place) => place.State is GrammarState or EmbeddedState or MixedState;

    /// <inheritdoc/>
    public override void BeginAccount()
    {
        _steps = 0;
        foreach (var machine in _network.Machines)
            machine.BeginAccount();
    }

    /// <inheritdoc/>
    public override bool IsLive(Place place) => place.State is not GrammarState { Items.Length: 0, Starts.Length: 0, MayEnd: false };

    /// <inheritdoc/>
    public override bool MayEnd(Place place) => Ways(place) is { MayEnd: true };

    /// <inheritdoc/>
    public override bool TakesTokens(Place place) => Ways(place) is { TakesTokens: true };

    /// <summary>The ways to read a text outside of any machine; null where there is none.</summary>
    public static GrammarState? Ways(Place place) => place.State switch
    {
        GrammarState state => state,
        MixedState mixed => mixed.Ways,
        _ => null,
    };

    /// <inheritdoc/>
    public override bool TryStep(Place place, byte next, Trail trail, out Place after)
    {
        switch (place.State)
        {
            case GrammarState { Starts.Length: 0 } state:
                after = new Place(Step(state, next), null);
                return after.State != None;
            case GrammarState state:
                return Join(Step(state, next), Steps(
                    [.. state.Starts.Select(start => new EmbeddedPlace(start, start.Machine.Start))], next, trail), out after);
            case EmbeddedState embedded:
                return Join(None, Steps([embedded.At], next, trail), out after);
            case MixedState mixed:
                var ways = mixed.Ways is null ? None : Step(mixed.Ways, next);
                return Join(ways, Steps(mixed.Inside, next, trail), out after);
            default:
                after = place;
                return false;
        }
    }

    /// <inheritdoc/>
    public override bool TryTake(Place place, int token, ReadOnlySpan<byte> text, Trail trail, out Place after)
    {
        var asText = base.TryTake(place, token, text, trail, out after);
        if (Ways(place) is not { TakesTokens: true } ways || StepToken(ways, token, text.Length > 0) is not { } other)
            return asText;

        for (var i = 0; !asText && i < text.Length; i++)
            trail.Add(text[i]);

        // As itself and by its bytes: both ways go on.
        var inside = asText ? Inside(after) : [];
        if (asText && Ways(after) is { } byText)
            other = Unite(byText, other.Kernel, other.MayEnd);
        return Join(other, inside, out after);
    }

    /// <summary>Whether, between two characters, some state may lead to different ones behind different characters of a set of those beyond
    /// ASCII.</summary>
    public bool TellsApart(CodePoints characters) => _network.TellsApart(characters);

    /// <summary>Joins what a machine's part has come to with nothing else.</summary>
    public bool TryJoin(Embedding embedding, Place inner, out Place after) => Join(None, [new EmbeddedPlace(embedding, inner)], out after);

    /// <summary>Whether a token may be taken as itself, and where the text stands then; null where it may not.</summary>
    public GrammarState? StepToken(GrammarState state, int token, bool isText)
    {
        BeginSet();
        foreach (var item in state.Items)
        {
            for (var index = _network.FirstEdge(item.Node); index >= 0;)
            {
                var edge = _network.Edge(index);
                index = edge.NextEdge;
                if ((edge.Kind == GrammarEdgeKind.Token && edge.Value == token)
                    || (edge.Kind == GrammarEdgeKind.OtherToken && isText && !_network.Tokens(edge.Value).Contains(token)))
                {
                    Reach(item with { Node = edge.Target });
                }
            }
        }

        return Seal() is var after && after != None ? after : null;
    }

    /// <summary>The tokens that may be taken as themselves: one, or, where it is negative, all that are text but those of the
    /// list.</summary>
    public IEnumerable<(int Token, int[] Others)> TokensFrom(GrammarState state)
    {
        foreach (var item in state.Items)
        {
            for (var index = _network.FirstEdge(item.Node); index >= 0; index = _network.Edge(index).NextEdge)
            {
                var edge = _network.Edge(index);
                if (edge.Kind == GrammarEdgeKind.Token && _program.IsAlive(edge.Target))
                    yield return (edge.Value, []);
                if (edge.Kind == GrammarEdgeKind.OtherToken && _program.IsAlive(edge.Target))
                    yield return (-1, _network.Tokens(edge.Value));
            }
        }
    }

    /// <inheritdoc/>
    public override int OnlyToken(Place place)
    {
        if (place.State is not GrammarState { TakesTokens: true, MayEnd: false, Starts.Length: 0 } state
            || state.Items.Any(item => HasEdge(item.Node, edge => edge.Kind == GrammarEdgeKind.Byte && _program.IsAlive(edge.Target))))
        {
            return -1;
        }

        var tokens = TokensFrom(state).Select(found => found.Token).Distinct().Take(2).ToArray();
        return tokens is [var only] ? only : -1;
    }

    private static IReadOnlyList<EmbeddedPlace> Inside(Place place) => place.State switch
    {
        EmbeddedState embedded => [embedded.At],
        MixedState mixed => mixed.Inside,
        _ => [],
    };

    /// <summary>Where machines stand behind one more byte, those aside that can't take it.</summary>
    private static List<EmbeddedPlace> Steps(IReadOnlyList<EmbeddedPlace> inside, byte next, Trail trail)
    {
        var after = new List<EmbeddedPlace>(inside.Count);
        foreach (var (embedding, inner) in inside)
        {
            if (embedding.Machine.TryStep(inner, next, trail, out var stepped) && embedding.Machine.IsLive(stepped)
                && new EmbeddedPlace(embedding, stepped) is var place && !after.Contains(place))
            {
                after.Add(place);
            }
        }

        return after;
    }

    /// <summary>One place of ways outside and inside of machines: a part that may end here is left too.</summary>
    private bool Join(GrammarState ways, IReadOnlyList<EmbeddedPlace> inside, out Place after)
    {
        var ends = inside.Where(place => place.Embedding.Machine.MayEnd(place.Inner)).Select(place => place.Embedding.Behind).ToArray();
        if (ends.Length > 0)
        {
            ways = Unite(ways, ends, mayEnd: false);
            inside = [.. inside.Where(place => !place.Embedding.Machine.IsOver(place.Inner))];
        }

        LocalState state = inside.Count == 0 ? ways
            : inside.Count == 1 && ways == None ? new EmbeddedState(inside[0])
            : new MixedState(ways == None ? null : ways, inside);
        after = new Place(state, null);
        return state != None;
    }

    private GrammarState Unite(GrammarState state, IEnumerable<GrammarItem> others, bool mayEnd)
    {
        BeginSet();
        _mayEnd = state.MayEnd || mayEnd;
        foreach (var item in state.Kernel)
        {
            if (_seen.Add(Key(item)))
                _found.Add(item);
        }

        foreach (var item in others)
            Reach(item);
        return Seal();
    }

    private GrammarState Step(GrammarState state, byte next)
    {
        if (state.Generation != _generation || state.Next is null)
            (state.Next, state.Generation) = (new GrammarState?[_program.Representatives.Length], _generation);
        var byteClass = _program.Classes[next];
        return state.Next[byteClass] ?? StepAnew(state, byteClass);
    }

    private GrammarState StepAnew(GrammarState state, byte byteClass)
    {
        BeginSet();
        var next = _program.Representatives[byteClass];
        foreach (var item in state.Items)
        {
            for (var index = _network.FirstEdge(item.Node); index >= 0;)
            {
                var edge = _network.Edge(index);
                index = edge.NextEdge;
                if (edge.Kind == GrammarEdgeKind.Byte && edge.First <= next && next <= edge.Last)
                    Reach(item with { Node = edge.Target });
            }
        }

        var after = Seal();
        if (state.Generation == _generation)
            state.Next![byteClass] = after;
        return after;
    }

    private void BeginSet()
    {
        _seen.Clear();
        _ended.Clear();
        _found.Clear();
        _mayEnd = false;
    }

    private static long Key(GrammarItem item) => ((long)item.Caller.Id << 32) | (uint)item.Node;

    /// <summary>Takes up a node, and where a rule ends there, what waits for it.</summary>
    private void Reach(GrammarItem from)
    {
        _pending.Push(from);
        while (_pending.TryPop(out var item))
        {
            var closure = _program.Closure(item.Node);
            AddAll(closure, item.Caller);
            if (!closure.IsFinal || !_ended.Add(item.Caller.Id))
                continue;
            _mayEnd |= item.Caller == _whole;
            foreach (var waiting in item.Caller.Waiting)
                _pending.Push(waiting);
        }
    }

    private void AddAll(GrammarClosure closure, Caller caller)
    {
        foreach (var node in closure.Nodes)
        {
            CountStep();
            var item = new GrammarItem(node, caller);
            if (_seen.Add(Key(item)))
                _found.Add(item);
        }

        CountStep();
        if (_found.Count > GuideLimits.GrammarItemsMax)
            throw GrammarProgram.TooManyWays();
    }

    /// <summary>The state of the ways found; made where it is new.</summary>
    private GrammarState Seal()
    {
        if (_found.Count == 0 && !_mayEnd)
            return None;
        _found.Sort((left, right) => Key(left).CompareTo(Key(right)));
        var key = new int[(_found.Count * 2) + 1];
        for (var i = 0; i < _found.Count; i++)
            (key[2 * i], key[(2 * i) + 1]) = (_found[i].Caller.Id, _found[i].Node);
        key[^1] = _mayEnd ? 1 : 0;
        if (_states.TryGetValue(new StateSet(key), out var state))
            return state;
        var kernel = _found.ToArray();
        Predict();
        var items = _found.Where(Reads).ToArray();
        state = new GrammarState
        {
            Kernel = kernel,
            Items = items,
            Starts = [.. _starts],
            MayEnd = _mayEnd,
            TakesTokens = items.Any(item => HasEdge(item.Node, edge => edge.IsToken && _program.IsAlive(edge.Target))),
            Generation = _generation,
        };
        Forget(1 + ((_found.Count + kernel.Length) / 8));
        state.Generation = _generation;
        _states.Add(new StateSet(key), state);
        return state;
    }

    /// <summary>Begins the rules that are called here, and those that they call.</summary>
    private void Predict()
    {
        _called.Clear();
        _starts.Clear();
        for (var i = 0; i < _found.Count; i++)
        {
            var item = _found[i];
            for (var index = _network.FirstEdge(item.Node); index >= 0;)
            {
                var edge = _network.Edge(index);
                index = edge.NextEdge;
                if (!_program.IsAlive(edge.Target))
                    continue;
                var behind = item with { Node = edge.Target };
                if (edge.Kind == GrammarEdgeKind.Machine)
                    _starts.Add(new Embedding(_network.Machines[edge.Value], behind));
                if (edge.Kind != GrammarEdgeKind.Call || _program.IsTailCall(edge))
                    continue;
                CountStep();
                var isNew = !_called.TryGetValue(edge.Value, out var caller);
                if (isNew)
                    _called.Add(edge.Value, caller = new Caller(++_callers));
                caller!.Waiting.Add(behind);
                if (isNew)
                    AddAll(_program.Closure(_network.StartOf(edge.Value)), caller);
            }
        }
    }

    private bool Reads(GrammarItem item) => HasEdge(item.Node, edge => edge.Kind == GrammarEdgeKind.Byte || edge.IsToken);

    private bool HasEdge(int node, Func<GrammarEdge, bool> isOne)
    {
        for (var index = _network.FirstEdge(node); index >= 0; index = _network.Edge(index).NextEdge)
        {
            if (isOne(_network.Edge(index)))
                return true;
        }

        return false;
    }

    /// <summary>States are kept to be found again, not to be right: where there are too many, all are forgotten.</summary>
    private void Forget(int weight)
    {
        _weight += weight;
        if (_weight <= GuideLimits.StatesMax)
            return;
        _states.Clear();
        _weight = weight;
        _generation++;
    }

    private void CountStep()
    {
        GuideLimits.ThrowIfStopped();
        if (++_steps > GuideLimits.SearchStepsMax)
            throw new GuideException("", "the grammar is too complex: what may follow takes too long to find out");
    }
}
