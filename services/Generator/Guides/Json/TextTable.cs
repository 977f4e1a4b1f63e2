using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>The states of strings and numbers of one guide.</summary>
internal sealed class TextTable(JsonMachine machine)
{
    private readonly Dictionary<StateKey, TextShape> _shapes = [];

    public JsonMachine Machine { get; } = machine;

    /// <summary>The state before the first byte (of a string: behind the opening quote); null when the formulas can't be met.</summary>
    public TextState? Begin(JsonKind kind, Formula[] owed) => Begin(kind == JsonKind.Number ? TextKind.Number : TextKind.String, owed);

    /// <summary>The state before the first byte of a text.</summary>
    public TextState? Begin(TextKind kind, Formula[] owed)
    {
        var shape = Shape(kind, owed);
        return Settle(shape, 0, [.. shape.Atoms.Select(atom => atom.Automaton.Start)]);
    }

    /// <summary>See <see cref="TextState.Next"/>.</summary>
    public TextState? Step(TextState state, byte next)
    {
        var syntax = state.IsNumber ? NumberSyntax.Step(state.Syntax, next) : StringSyntax.Step(state.Syntax, next);
        if (syntax == StringSyntax.Fault)
            return null;
        var atoms = state.Shape.Atoms;
        if (atoms.Length == 0)
            return state.Shape.State(this, syntax, []);
        var states = new int[atoms.Length];
        for (var i = 0; i < states.Length; i++)
            states[i] = atoms[i].Automaton.Step(state.States[i], next);
        return Settle(state.Shape, syntax, states);
    }

    /// <summary>See <see cref="TextState.End"/>.</summary>
    public Outcomes? End(TextState state)
    {
        if (state.IsNumber ? !NumberSyntax.MayEnd(state.Syntax) : state.Syntax != StringSyntax.Between)
            return null;
        if (state.Shape.Atoms.Length == 0)
            return JsonMachine.Verdicts(state.Shape.Owed);
        var states = state.States.ToArray();
        var atoms = state.Shape.Atoms;
        return JsonMachine.Verdicts([.. state.Shape.Owed.Select(formula => Machine.Formulas.Replace(
            formula, atom => Formula.Of(atoms[Array.IndexOf(atoms, (TextAtom)atom)] is var text
                ? text.Automaton.End(states[Array.IndexOf(atoms, text)])
                : Verdict.Unknown)))]);
    }

    private TextShape Shape(TextKind kind, Formula[] owed)
    {
        var key = new StateKey(owed, (int)kind);
        if (!_shapes.TryGetValue(key, out var shape))
            _shapes.Add(key, shape = new TextShape(kind, owed));
        return shape;
    }

    /// <summary>Takes out of the formulas what is certain already.</summary>
    private TextState? Settle(TextShape shape, byte syntax, int[] states)
    {
        while (true)
        {
            var any = false;
            for (var i = 0; i < states.Length; i++)
                any |= shape.Atoms[i].Automaton.Settled(states[i]) is not null;
            if (!any)
                break;
            var owed = shape.Owed.Select(formula => Machine.Formulas.Replace(formula, atom =>
            {
                var index = Array.IndexOf(shape.Atoms, (TextAtom)atom);
                return shape.Atoms[index].Automaton.Settled(states[index]) is { } verdict ? Formula.Of(verdict) : Machine.Formulas.Of(atom);
            })).ToArray();
            if (owed[0].Kind is FormulaKind.False or FormulaKind.Unknown)
                return null;
            var rest = Shape(shape.Kind, owed);
            states = [.. rest.Atoms.Select(atom => states[Array.IndexOf(shape.Atoms, atom)])];
            shape = rest;
        }

        return shape.State(this, syntax, states);
    }
}
