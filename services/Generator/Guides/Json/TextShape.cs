using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>What is asked of a string or a number, with the automata that decide it and the bytes that none of them tells apart.</summary>
internal sealed class TextShape
{
    private readonly Dictionary<StateSet, TextState>.AlternateLookup<ReadOnlySpan<int>> _states =
        new Dictionary<StateSet, TextState>(StateSets.Comparer).GetAlternateLookup<ReadOnlySpan<int>>();

    private readonly Dictionary<ulong, (TextShape Left, int[] Places)> _rests = [];
    private readonly byte[][]?[] _trials = new byte[][]?[CharacterKinds.All.Count];

    public TextShape(TextKind kind, Formula[] owed)
    {
        Kind = kind;
        Owed = owed;
        var atoms = new List<Atom>();
        var seen = new HashSet<Formula>();
        foreach (var formula in owed)
            formula.CollectAtoms(atoms, seen);
        Atoms = [.. atoms.Cast<TextAtom>()];
        HasOneEnd = Array.TrueForAll(owed[1..], formula => formula.IsConstant);
        (Classes, Representatives) = Classify();
        Steps = new StepTable(Representatives.Length);
    }

    public TextKind Kind { get; }

    /// <summary>What must hold, then what is asked: formulas over <see cref="Atoms"/>.</summary>
    public Formula[] Owed { get; }

    public TextAtom[] Atoms { get; }

    /// <summary>256 entries.</summary>
    public byte[] Classes { get; }

    /// <summary>One byte of each class.</summary>
    public byte[] Representatives { get; }

    /// <summary>Where the shape's states lead: see <see cref="TextState.Next"/>.</summary>
    public StepTable Steps { get; }

    /// <summary>Whether the verdicts that are asked are the same however a text ends.</summary>
    public bool HasOneEnd { get; }

    /// <summary>Whether all that is asked hangs on one pattern, and that can be met behind any text.</summary>
    public bool NeverDies => Atoms is [{ Automaton: PatternAutomaton { NeverDies: true } }];

    /// <summary>What is left of the shape when some verdicts are certain, if that has been found out before.</summary>
    /// <param name="verdicts">Two bits for each automaton; see <see cref="TextTable"/>.</param>
    /// <param name="rest">The shape that is left, with the places of its automata in this one.</param>
    public bool TryGetRest(ulong verdicts, out (TextShape Left, int[] Places) rest) => _rests.TryGetValue(verdicts, out rest);

    /// <summary>Notes what <see cref="TryGetRest"/> finds.</summary>
    public void AddRest(ulong verdicts, TextShape rest, int[] places) => _rests.Add(verdicts, (rest, places));

    /// <summary>The bytes by which a state is tried on each kind of characters: see <see cref="CharacterKinds.Trials"/>.</summary>
    public byte[][] Trials(CharacterKinds kinds) => _trials[kinds.Index] ??= kinds.Trials(
        Classes, characters => Array.Exists(Atoms, atom => atom.Automaton.TellsApart(characters)));

    /// <summary>The verdict of one of the formulas if the text ends in these states of the automata (three-valued, after Kleene).</summary>
    public Verdict Judge(Formula formula, ReadOnlySpan<int> states)
    {
        if (formula.IsConstant)
            return formula.Verdict;
        if (formula.Atom is not null)
        {
            var place = Array.IndexOf(Atoms, (TextAtom)formula.Atom);
            return Atoms[place].Automaton.End(states[place]);
        }

        Span<int> counts = stackalloc int[3];
        foreach (var member in formula.Members)
            counts[(int)Judge(member, states)]++;
        var (no, yes, unknown) = (counts[(int)Verdict.False], counts[(int)Verdict.True], counts[(int)Verdict.Unknown]);
        return formula.Kind switch
        {
            FormulaKind.Not => unknown > 0 ? Verdict.Unknown : no > 0 ? Verdict.True : Verdict.False,
            FormulaKind.And => no > 0 ? Verdict.False : unknown > 0 ? Verdict.Unknown : Verdict.True,
            FormulaKind.Or => yes > 0 ? Verdict.True : unknown > 0 ? Verdict.Unknown : Verdict.False,
            _ => yes > 1 ? Verdict.False : unknown > 0 ? Verdict.Unknown : yes == 1 ? Verdict.True : Verdict.False,
        };
    }

    /// <summary>The verdicts at a text's end where nothing is asked any more; else, or where the text does not meet it, null.</summary>
    public Outcomes? Verdicts() => Atoms.Length == 0 ? JsonMachine.Verdicts(Owed) : null;

    /// <summary>The state of these states of the automata.</summary>
    /// <param name="table">Where it belongs.</param>
    /// <param name="states">The state of the syntax, then those of the automata.</param>
    public TextState State(TextTable table, ReadOnlySpan<int> states)
    {
        if (_states.TryGetValue(states, out var state))
            return state;
        table.Machine.CountState();
        var kept = states.ToArray();
        state = new TextState(table, this, kept, _states.Dictionary.Count);
        Steps.Add();
        _states.Dictionary.Add(new StateSet(kept), state);
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
