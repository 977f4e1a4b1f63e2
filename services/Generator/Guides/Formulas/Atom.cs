namespace Parley.Generator.Guides.Formulas;

/// <summary>A condition on a value that formulas do not look into. Equal conditions are the same object.</summary>
internal abstract class Atom
{
    /// <summary>Atoms that this one rests on beside itself (a rule whose reach depends on whether others hold).</summary>
    public virtual IReadOnlyList<Formula> Inner => [];
}
