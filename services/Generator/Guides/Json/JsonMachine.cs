using System.Text;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>
/// Reads JSON texts byte by byte against a schema, as an automaton with a stack: what encloses a value waits on the stack with what it
/// asks of
/// the value, and goes on with the value's verdicts. States are made as texts need them and kept; the machine is not safe for several
/// threads.
/// </summary>
internal sealed class JsonMachine : GuideMachine
{
    private readonly Dictionary<StateKey, Goal> _goals = [];
    private readonly Dictionary<StateKey, ArrayState> _arrays = [];
    private readonly Dictionary<(NameTable, int, KeySet, StateKey), ObjectState> _objects = [];
    private readonly Dictionary<string, KeySet> _keySets = [];
    private readonly Dictionary<Formula, Formula> _outcomes = [];
    private readonly Dictionary<(Pending, int), Frame> _outermost = [];
    private readonly CompletionSearch _search;
    private readonly bool _freeWhitespace;
    private int _states;

    public JsonMachine(AtomTable table, Formula root, bool anyOrder, bool freeWhitespace)
    {
        (AnyOrder, _freeWhitespace) = (anyOrder, freeWhitespace);
        Formulas = table.Formulas;
        Texts = new TextTable(this);
        NoKeys = Keys([]);
        _search = new CompletionSearch(this);
        Root = Goal([root], [root]);
    }

    public FormulaTable Formulas { get; }

    public TextTable Texts { get; }

    /// <summary>No key at all.</summary>
    public KeySet NoKeys { get; }

    /// <summary>Whether the keys that a schema names may come in any order.</summary>
    public bool AnyOrder { get; }

    /// <summary>What the whole text is for.</summary>
    public Goal Root { get; }

    /// <inheritdoc/>
    public override Place Start => new(Root.Value, null);

    /// <summary>The verdicts of formulas that are certain; null when the first is not true.</summary>
    public static Outcomes? Verdicts(ReadOnlySpan<Formula> owed)
    {
        if (owed[0].Kind != FormulaKind.True)
            return null;
        var outcomes = default(Outcomes);
        for (var i = 1; i < owed.Length; i++)
            outcomes = outcomes.With(i - 1, owed[i].Verdict);
        return outcomes;
    }

    /// <summary>Counts one more state.</summary>
    /// <exception cref="GuideException">There are more than <see cref="GuideLimits.StatesMax"/>.</exception>
    public void CountState()
    {
        if (++_states > GuideLimits.StatesMax)
            throw new GuideException("", $"the guide is too complex: more than {GuideLimits.StatesMax} states");
        _search.CountStep();
    }

    /// <summary>Counts one step of a search.</summary>
    public void CountStep() => _search.CountStep();

    /// <inheritdoc/>
    public override void BeginAccount() => _search.BeginAccount();

    public Goal Goal(Formula[] owed, Formula[] order)
    {
        var key = new StateKey([.. owed, .. order], owed.Length);
        if (!_goals.TryGetValue(key, out var goal))
        {
            CountState();
            _goals.Add(key, goal = new Goal(this, owed, order));
        }

        return goal;
    }

    public ArrayState Array(Formula[] owed)
    {
        var key = new StateKey(owed);
        if (!_arrays.TryGetValue(key, out var array))
        {
            CountState();
            _arrays.Add(key, array = new ArrayState(this, owed));
        }

        return array;
    }

    public ObjectState Object(NameTable names, int position, KeySet used, Formula[] owed)
    {
        var key = (names, position, used, new StateKey(owed));
        if (!_objects.TryGetValue(key, out var found))
        {
            CountState();
            _objects.Add(key, found = new ObjectState(this, names, position, used, owed));
        }

        return found;
    }

    /// <summary>The set of these keys, which are sorted.</summary>
    public KeySet Keys(string[] keys)
    {
        var key = string.Join('\0', keys);
        if (!_keySets.TryGetValue(key, out var set))
            _keySets.Add(key, set = new KeySet(this, keys));
        return set;
    }

    /// <summary>The verdict on the value that is about to be written.</summary>
    public Formula Outcome(Formula value)
    {
        if (value.IsConstant)
            return value;
        if (!_outcomes.TryGetValue(value, out var outcome))
            _outcomes.Add(value, outcome = Formulas.Of(new OutcomeAtom(value)));
        return outcome;
    }

    /// <inheritdoc/>
    public override long Bytes => _states * 500L;

    /// <inheritdoc/>
    public override bool IsLive(Place place) => _search.IsLive(place);

    /// <inheritdoc/>
    public override bool MayEnd(Place place) =>
        place.State is DoneState || (place.Frame is null && place.State is TextState { IsNumber: true } number && number.End() is not null);

    /// <inheritdoc/>
    public override bool IsOver(Place place) => place.State is DoneState && !_freeWhitespace;

    /// <inheritdoc/>
    public override bool TryStep(Place place, byte next, Trail trail, out Place after)
    {
        after = place;
        var state = place.State;
        var frame = (Frame?)place.Frame;
        if (_freeWhitespace && next is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'
            && state is ValueState or MembersState or ItemsState or ColonState or DoneState)
        {
            return true;
        }

        switch (state)
        {
            case TextState text:
                return StepText(text, frame, next, trail, out after);
            case KeyState key when next == '"' && key.Text.Syntax == StringSyntax.Between:
                return EndKey(key, frame, trail, out after);
            case KeyState key:
                return Within(key.Next(next), frame, out after);
            case MembersState members:
                return StepMembers(members, frame, next, trail, out after);
            case ItemsState items:
                return StepItems(items, frame, next, trail, out after);
            case ColonState colon when next == ':':
                after = new Place(colon.Member.Child.Value, Enter(colon.Member, frame, -1));
                return true;
            case ValueState value:
                return Within(BeginValue(value.Goal, next), frame, out after);
            case LiteralState literal when literal.Takes(next):
                if (literal.IsLast)
                    return Leave(frame, literal.Outcomes, trail, next, out after);
                after = new Place(literal.Next(), frame);
                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    /// <remarks>A key like no other is such a string too.</remarks>
    public override bool TryLeave(Place place, out Place after)
    {
        if (place.State is KeyState key)
            return Within(key.Text.End() is { } verdicts ? key.Object.AnyOther(verdicts)?.Colon : null, (Frame?)place.Frame, out after);
        var text = (TextState)place.State;
        var outcomes = Verdicts([Formula.True, .. text.Shape.Owed[1..]])!.Value;
        if (place.Frame is Frame frame)
            return Within(frame.Pending.After(outcomes, null), frame.Parent, out after);
        after = new Place(DoneState.Instance, null);
        return true;
    }

    private static bool Within(JsonState? state, Frame? frame, out Place after)
    {
        after = new Place(state!, frame);
        return state is not null;
    }

    private static JsonState? BeginValue(Goal goal, byte next)
    {
        switch (next)
        {
            case (byte)'"':
                return goal.Begin(JsonKind.String);
            case (byte)'{':
                return goal.Begin(JsonKind.Object);
            case (byte)'[':
                return goal.Begin(JsonKind.Array);
            case (byte)'t':
                return goal.Begin(JsonKind.True);
            case (byte)'f':
                return goal.Begin(JsonKind.False);
            case (byte)'n':
                return goal.Begin(JsonKind.Null);
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                return ((TextState?)goal.Begin(JsonKind.Number))?.Next(next);
            default:
                return null;
        }
    }

    private bool StepText(TextState text, Frame? frame, byte next, Trail trail, out Place after)
    {
        if (!text.IsNumber && next == '"' && text.Syntax == StringSyntax.Between)
        {
            after = default;
            return text.End() is { } verdicts && Leave(frame, verdicts, trail, next, out after);
        }

        if (text.Next(next) is { } within)
        {
            after = new Place(within, frame);
            return true;
        }

        after = default;
        if (!text.IsNumber || NumberSyntax.Step(text.Syntax, next) != NumberSyntax.Fault || text.End() is not { } outcomes)
            return false;
        return Leave(frame, outcomes, trail, null, out var behind) && TryStep(behind, next, trail, out after);
    }

    private static bool EndKey(KeyState key, Frame? frame, Trail trail, out Place after)
    {
        after = default;
        if (key.Text.End() is not { } verdicts)
            return false;
        var word = key.Object.Names.Words.WordAt(key.Name);
        var name = word >= 0 ? key.Object.Names.Names[word] : NameTable.Text(KeyBytes(trail.Bytes));
        if (key.Object.Member(name, verdicts) is not { } member)
            return false;
        after = new Place(member.Colon, frame);
        return true;
    }

    /// <summary>The bytes behind the last quote that no backslash escapes: the key that ends the text.</summary>
    private static ReadOnlySpan<byte> KeyBytes(ReadOnlySpan<byte> text)
    {
        for (var end = text.Length; ;)
        {
            var quote = text[..end].LastIndexOf((byte)'"');
            var slashes = quote - text[..quote].LastIndexOfAnyExcept((byte)'\\') - 1;
            if (slashes % 2 == 0)
                return text[(quote + 1)..];
            end = quote;
        }
    }

    private bool StepMembers(MembersState members, Frame? frame, byte next, Trail trail, out Place after)
    {
        after = default;
        switch (next)
        {
            case (byte)'}' when members.Phase != MembersPhase.More:
                return members.Object.End() is { } verdicts && Leave(frame, verdicts, trail, next, out after);
            case (byte)',' when members.Phase == MembersPhase.After:
                after = new Place(members.Object.More, frame);
                return true;
            case (byte)'"' when members.Phase != MembersPhase.After:
                return Within(members.Object.Key(), frame, out after);
            default:
                return false;
        }
    }

    private bool StepItems(ItemsState items, Frame? frame, byte next, Trail trail, out Place after)
    {
        after = default;
        switch (next)
        {
            case (byte)']' when items.Phase != MembersPhase.More:
                return items.Array.End() is { } verdicts && Leave(frame, verdicts, trail, next, out after);
            case (byte)',' when items.Phase == MembersPhase.After:
                after = new Place(items.Array.More, frame);
                return true;
            default:
                if (items.Phase == MembersPhase.After || items.Array.Item() is not { } item)
                    return false;

                // Where nothing but the item itself is open, what follows it is the same for every item.
                if (!item.IsOpen && !(item.After(default, null) is { } behind && _search.IsLive(new Place(behind, frame))))
                    return false;
                var inner = Enter(item, frame, item.ReadsText ? trail.Length : -1);
                return Within(BeginValue(item.Child, next), inner, out after);
        }
    }

    private Frame Enter(Pending pending, Frame? parent, int begin)
    {
        var inner = parent?.Inner ?? _outermost;
        if (!inner.TryGetValue((pending, begin), out var frame))
        {
            CountState();
            frame = new Frame(pending, parent, begin);
            inner.Add((pending, begin), frame);
        }

        return frame;
    }

    private static bool Leave(Frame? frame, Outcomes outcomes, Trail trail, byte? last, out Place after)
    {
        if (frame is null)
        {
            after = new Place(DoneState.Instance, null);
            return true;
        }

        string? text = null;
        if (frame.Pending.ReadsText)
            text = Encoding.UTF8.GetString(trail.Bytes[frame.Begin..]) + (last is { } closing ? ((char)closing).ToString() : "");
        return Within(frame.Pending.After(outcomes, text), frame.Parent, out after);
    }
}
