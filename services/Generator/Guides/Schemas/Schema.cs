using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>
/// A schema as a condition on a value. What it asks of a value of one kind is a formula over the conditions of that kind.
/// </summary>
internal abstract class Schema : Atom
{
    /// <summary>
    /// The names of properties that the schema and what applies in its place give, in the order in which they first appear.
    /// </summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>What is asked of a value of this kind.</summary>
    public abstract Formula For(JsonKind kind);
}
