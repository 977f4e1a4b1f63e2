using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>What is asked of a string or a number, with the automata that decide it and the bytes that none of them tells apart.</summary>
internal sealed class TextShape
{
    private readonly Dictionary<StateSet, TextState> _states = [];

    public TextShape(TextKind kind, Formula[] owed)
    {
        Kind = kind;
        Owed = owed;
        var atoms = new List<Atom>();
        var seen = new HashSet<Formula>();
        foreach (var formula in owed)
            formula.CollectAtoms(atoms, seen);
        Atoms = [.. atoms.Cast<TextAtom>()];
        (Classes, Representatives) = Classify();
    }

    public TextKind Kind { get; }

    /// <summary>What must hold, then what is asked: formulas over <see cref="Atoms"/>.</summary>
    public Formula[] Owed { get; }

    public TextAtom[] Atoms { get; }

    /// <summary>256 entries.</summary>
    public byte[] Classes { get; }

    /// <summary>One byte of each class.</summary>
    public byte[] Representatives { get; }

    /// <summary>The state of these states of the automata.</summary>
    public TextState State(TextTable table, byte syntax, int[] states)
    {
        var key = new StateSet([syntax, .. states]);
        if (!_states.TryGetValue(key, out var state))
        {
            table.Machine.CountState();
            _states.Add(key, state = new TextState(table, this, syntax, states));
        }

        return state;
    }

    private (byte[] Classes, byte[] Representatives) Classify()
    {
        var syntax = Kind == TextKind.Number ? NumberClasses.All : StringSyntax.Classes;
        if (Atoms.Length == 0)
            return (syntax, First(syntax));
        var classes = (byte[])syntax.Clone();
        foreach (var atom in Atoms)
        {
            var pairs = new Dictionary<int, byte>();
            for (var value = 0; value < 256; value++)
            {
                var pair = (classes[value] * 256) + atom.Automaton.Classes[value];
                if (!pairs.TryGetValue(pair, out var number))
                    pairs.Add(pair, number = (byte)pairs.Count);
                classes[value] = number;
            }
        }

        return (classes, First(classes));
    }

    private static byte[] First(byte[] classes)
    {
        var first = new byte[classes.Max() + 1];
        for (var value = 255; value >= 0; value--)
            first[classes[value]] = (byte)value;
        return first;
    }
}
