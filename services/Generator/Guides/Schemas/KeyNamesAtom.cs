using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>Every key of an object, as a string, meets a schema.</summary>
/// <param name="key">What is asked of the inside of a string.</param>
internal sealed class KeyNamesAtom(Formula key) : Atom
{
    /// <summary>A formula over <see cref="TextAtom"/>.</summary>
    public Formula Key { get; } = key;
}
