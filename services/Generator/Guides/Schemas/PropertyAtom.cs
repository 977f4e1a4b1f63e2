using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>
/// Every member of an object meets what applies to its key: the schemas of its name and of each pattern that its name matches, or else
/// the one for
/// additional properties. Values are formulas over <see cref="Schema"/>.
/// </summary>
internal sealed class PropertyAtom : Atom
{
    public required IReadOnlyDictionary<string, Formula> Named { get; init; }

    /// <summary>Patterns (conditions on the key) with what they ask of the value.</summary>
    public required IReadOnlyList<(TextAtom Pattern, Formula Value)> Patterns { get; init; }

    public required Formula Additional { get; init; }
}
