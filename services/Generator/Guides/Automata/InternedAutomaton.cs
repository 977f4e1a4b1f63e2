using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Automata;

/// <summary>An automaton whose states are values of <typeparamref name="TState"/>, numbered as they are met.</summary>
internal abstract class InternedAutomaton<TState> : TextAutomaton
    where TState : struct, IEquatable<TState>
{
    private readonly List<TState> _states = [];
    private readonly StepTable _next;
    private readonly Dictionary<TState, int> _numbers = [];

    protected InternedAutomaton(byte[] classes, TState start)
    {
        Classes = classes;
        _next = new StepTable(classes.Max() + 1);
        Start = Number(start);
    }

    /// <inheritdoc/>
    public override int Start { get; }

    /// <inheritdoc/>
    public override byte[] Classes { get; }

    /// <inheritdoc/>
    public override int Step(int state, byte next)
    {
        ref var known = ref _next.At(state, Classes[next]);
        if (known < 0)
        {
            // Number may grow the table, never move the row that `known` points into.
            known = Number(Step(_states[state], next));
        }

        return known;
    }

    /// <inheritdoc/>
    public override Verdict End(int state) => End(_states[state]);

    /// <inheritdoc/>
    public override Verdict? Settled(int state) => Settled(_states[state]);

    /// <summary>The state of a number.</summary>
    protected TState At(int state) => _states[state];

    protected abstract TState Step(TState state, byte next);

    protected abstract Verdict End(TState state);

    protected abstract Verdict? Settled(TState state);

    private int Number(TState state)
    {
        if (_numbers.TryGetValue(state, out var number))
            return number;
        GuideLimits.ThrowIfStopped();
        number = _states.Count;
        if (number >= GuideLimits.AutomatonStatesMax)
            throw new GuideException("",
                $"the guide is too complex: one of its automata has more than {GuideLimits.AutomatonStatesMax} states");
        _states.Add(state);
        _next.Add();
        _numbers.Add(state, number);
        return number;
    }
}
