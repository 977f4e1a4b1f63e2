using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Json;

/// <summary>The verdict on the member or item that is being written.</summary>
/// <param name="value">What is asked of it: a formula over <see cref="Schemas.Schema"/>.</param>
internal sealed class OutcomeAtom(Formula value) : Atom
{
    public Formula Value { get; } = value;
}
