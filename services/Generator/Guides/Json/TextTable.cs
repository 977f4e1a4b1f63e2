using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>The states of strings and numbers of one guide.</summary>
internal sealed class TextTable(JsonMachine machine)
{
    /// <summary>Automata of a shape up to which their verdicts fit into the key of what is left.</summary>
    private const int KeyedMax = 32;

    private const int StackMax = 64;

    private readonly Dictionary<StateKey, TextShape> _shapes = [];
    private readonly Dictionary<TextShape, Outcomes?> _met = [];
    private readonly List<TextState> _states = [];

    public JsonMachine Machine { get; } = machine;

    /// <summary>The state of a number.</summary>
    public TextState this[int number] => _states[number];

    /// <summary>The state before the first byte (of a string: behind the opening quote); null when the formulas can't be met.</summary>
    public TextState? Begin(JsonKind kind, Formula[] owed) => Begin(kind == JsonKind.Number ? TextKind.Number : TextKind.String, owed);

    /// <summary>The state before the first byte of a text.</summary>
    public TextState? Begin(TextKind kind, Formula[] owed)
    {
        var shape = Shape(kind, owed);
        return Settle(shape, [0, .. shape.Atoms.Select(atom => atom.Automaton.Start)]);
    }

    /// <summary>Takes up a state that is made.</summary>
    /// <returns>Its number.</returns>
    public int Number(TextState state)
    {
        _states.Add(state);
        return _states.Count - 1;
    }

    /// <summary>See <see cref="TextState.Next"/>.</summary>
    public TextState? Step(TextState state, byte next)
    {
        var syntax = state.IsNumber ? NumberSyntax.Step(state.Syntax, next) : StringSyntax.Step(state.Syntax, next);
        if (syntax == StringSyntax.Fault)
            return null;
        var atoms = state.Shape.Atoms;
        Span<int> states = atoms.Length < StackMax ? stackalloc int[atoms.Length + 1] : new int[atoms.Length + 1];
        states[0] = syntax;
        for (var i = 0; i < atoms.Length; i++)
            states[i + 1] = atoms[i].Automaton.Step(state.States[i], next);
        return Settle(state.Shape, states);
    }

    /// <summary>See <see cref="TextState.End"/>.</summary>
    public Outcomes? End(TextState state)
    {
        if (state.IsNumber ? !NumberSyntax.MayEnd(state.Syntax) : state.Syntax != StringSyntax.Between)
            return null;
        var shape = state.Shape;
        if (shape.Atoms.Length == 0)
            return JsonMachine.Verdicts(shape.Owed);
        if (shape.Judge(shape.Owed[0], state.States) != Verdict.True)
            return null;
        var outcomes = default(Outcomes);
        for (var i = 1; i < shape.Owed.Length; i++)
            outcomes = outcomes.With(i - 1, shape.Judge(shape.Owed[i], state.States));
        return outcomes;
    }

    /// <summary>See <see cref="TextState.Free"/>.</summary>
    public TextState? Free(TextShape shape)
    {
        var owed = shape.Owed.Select(formula => Machine.Formulas.Replace(formula, _ => Formula.False)).ToArray();
        return owed[0] == Formula.True ? Shape(shape.Kind, owed).State(this, [StringSyntax.Between]) : null;
    }

    /// <summary>See <see cref="TextState.IfMet"/>.</summary>
    public Outcomes? IfMet(TextShape shape)
    {
        if (shape.Atoms.Length != 1)
            return null;
        if (!_met.TryGetValue(shape, out var verdicts))
        {
            verdicts = JsonMachine.Verdicts([.. shape.Owed.Select(formula => Machine.Formulas.Replace(formula, _ => Formula.True))]);
            _met.Add(shape, verdicts);
        }

        return verdicts;
    }

    /// <summary>See <see cref="TextState.WithoutLengths"/>.</summary>
    public TextState? WithoutLengths(TextState state, int characters)
    {
        var atoms = state.Shape.Atoms;
        // What else is asked must be in reach as well; how far that is at most, only a pattern by itself can say.
        if (atoms.FirstOrDefault(atom => atom.Automaton is not LengthAutomaton) is { } other)
            characters += (other.Automaton is PartialAutomaton partial ? partial.Part : other.Automaton) is PatternAutomaton pattern
                ? pattern.DistanceMax : GuideLimits.SchemaBytesMax;
        if (atoms.Count(atom => atom.Automaton is not LengthAutomaton) > 1)
            return null;
        if (state.Shape.Owed.Length > 1 || state.Syntax != StringSyntax.Between
            || !Array.Exists(atoms, atom => IsFar(state, atom, characters)))
            return null;

        // Only bounds from above may be left out: one from below must first be met.
        var conjuncts = state.Shape.Owed[0].Conjuncts().ToArray();
        var kept = conjuncts.Where(conjunct => conjunct.Kind != FormulaKind.Not
            || !IsFar(state, conjunct.Members[0].Atom, characters)).ToArray();
        if (kept.Length == conjuncts.Length || kept.Any(conjunct => conjunct.Atom is null))
            return null;
        var shape = Shape(state.Shape.Kind, [Machine.Formulas.And(kept)]);
        var states = state.States.ToArray();
        return shape.State(this, [state.Syntax, .. shape.Atoms.Select(atom => states[Array.IndexOf(atoms, atom)])]);
    }

    private static bool IsFar(TextState state, Atom? atom, int characters) =>
        atom is TextAtom { Automaton: LengthAutomaton length } text
        && LengthAutomaton.Characters(state.States[Array.IndexOf(state.Shape.Atoms, text)]) + characters + 1 < length.Least;

    private TextShape Shape(TextKind kind, Formula[] owed)
    {
        var key = new StateKey(owed, (int)kind);
        if (!_shapes.TryGetValue(key, out var shape))
            _shapes.Add(key, shape = new TextShape(kind, owed));
        return shape;
    }

    /// <summary>Takes out of the formulas what is certain already.</summary>
    /// <param name="shape">What is asked.</param>
    /// <param name="all">The state of the syntax, then those of the automata; overwritten.</param>
    private TextState? Settle(TextShape shape, Span<int> all)
    {
        while (true)
        {
            var states = all[1..];
            var (any, key) = (false, 0UL);
            for (var i = 0; i < states.Length; i++)
            {
                if (shape.Atoms[i].Automaton.Settled(states[i]) is not { } verdict)
                    continue;
                any = true;
                if (i < KeyedMax)
                    key |= (1UL + (ulong)verdict) << (2 * i);
            }

            if (!any)
                return shape.State(this, all);
            if (states.Length > KeyedMax || !shape.TryGetRest(key, out var rest))
            {
                rest = Rest(shape, states);
                if (states.Length <= KeyedMax)
                    shape.AddRest(key, rest.Left, rest.Places);
            }

            if (rest.Left.Owed[0].Kind is FormulaKind.False or FormulaKind.Unknown)
                return null;

            // What is left are fewer, and maybe in another order.
            var left = new int[rest.Places.Length + 1];
            left[0] = all[0];
            for (var i = 1; i < left.Length; i++)
                left[i] = states[rest.Places[i - 1]];
            shape = rest.Left;
            all = left;
        }
    }

    private (TextShape Left, int[] Places) Rest(TextShape shape, Span<int> all)
    {
        var (owed, states) = (new Formula[shape.Owed.Length], all.ToArray());
        for (var i = 0; i < owed.Length; i++)
        {
            owed[i] = Machine.Formulas.Replace(shape.Owed[i], atom =>
            {
                var index = Array.IndexOf(shape.Atoms, (TextAtom)atom);
                return shape.Atoms[index].Automaton.Settled(states[index]) is { } verdict ? Formula.Of(verdict) : Machine.Formulas.Of(atom);
            });
        }

        var rest = Shape(shape.Kind, owed);
        return (rest, [.. rest.Atoms.Select(atom => Array.IndexOf(shape.Atoms, atom))]);
    }
}
