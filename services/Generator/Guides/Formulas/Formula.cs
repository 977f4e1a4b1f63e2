using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Formulas;

/// <summary>
/// A boolean formula over conditions (three-valued, after Kleene). Formulas are made by <see cref="FormulaTable"/>, which simplifies them
/// and
/// gives equal ones the same object; members keep the order in which the schema has them.
/// </summary>
internal sealed class Formula
{
    public static readonly Formula False = new(FormulaKind.False, 0, [], null);
    public static readonly Formula True = new(FormulaKind.True, 1, [], null);
    public static readonly Formula Unknown = new(FormulaKind.Unknown, 2, [], null);

    internal Formula(FormulaKind kind, int id, Formula[] members, Atom? atom)
    {
        Kind = kind;
        Id = id;
        Members = members;
        Atom = atom;
    }

    public FormulaKind Kind { get; }

    /// <summary>Number within the table.</summary>
    public int Id { get; }

    public Formula[] Members { get; }

    /// <summary>The condition of an atom.</summary>
    public Atom? Atom { get; }

    public bool IsConstant => Kind <= FormulaKind.Unknown;

    /// <summary>The verdict of a constant.</summary>
    public Verdict Verdict => (Verdict)Kind;

    public static Formula Of(Verdict verdict) => verdict switch { Verdict.True => True, Verdict.False => False, _ => Unknown };

    /// <summary>Adds the formula's atoms in order of appearance, each once.</summary>
    public void CollectAtoms(List<Atom> atoms, HashSet<Formula> seen)
    {
        if (IsConstant || !seen.Add(this))
            return;
        if (Atom is not null)
        {
            atoms.Add(Atom);
            foreach (var inner in Atom.Inner)
                inner.CollectAtoms(atoms, seen);
            return;
        }

        foreach (var member in Members)
            member.CollectAtoms(atoms, seen);
    }

    /// <summary>The members of a conjunction, or the formula alone.</summary>
    public ReadOnlySpan<Formula> Conjuncts() => Kind == FormulaKind.And ? Members : new Formula[] { this };
}
