namespace Parley.Generator.Guides.Formulas;

internal enum FormulaKind : byte
{
    False,
    True,

    /// <summary>Neither may be relied on; see <see cref="Automata.Verdict.Unknown"/>.</summary>
    Unknown,
    Atom,
    Not,
    And,
    Or,

    /// <summary>Exactly one of the members.</summary>
    One,
}
