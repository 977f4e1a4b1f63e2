using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Patterns;

/// <summary>Texts that a regular expression matches as a whole, as UTF-8: an automaton without a stack.</summary>
internal sealed class PatternMachine : GuideMachine
{
    private readonly PatternAutomaton _automaton;
    private readonly Dictionary<int, PatternState> _states = [];

    public PatternMachine(RegexTree tree)
    {
        _automaton = PatternAutomaton.Of(tree.Whole(), TextEncoding.Plain);
        Start = new Place(State(_automaton.Start), null);
    }

    /// <inheritdoc/>
    public override Place Start { get; }

    /// <inheritdoc/>
    public override long Bytes => _states.Count * 800L;

    /// <inheritdoc/>
    public override bool TryStep(Place place, byte next, Trail trail, out Place after)
    {
        after = new Place(State(_automaton.Step(((PatternState)place.State).Number, next)), null);
        return true;
    }

    /// <inheritdoc/>
    public override bool IsLive(Place place) => _automaton.CanEndTrue(((PatternState)place.State).Number) == true;

    /// <inheritdoc/>
    public override bool MayEnd(Place place) => _automaton.End(((PatternState)place.State).Number) == Verdict.True;

    private PatternState State(int number)
    {
        if (!_states.TryGetValue(number, out var state))
            _states.Add(number, state = new PatternState(number));
        return state;
    }
}
