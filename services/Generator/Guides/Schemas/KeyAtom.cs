using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>An object has this key.</summary>
/// <param name="name">The key.</param>
internal sealed class KeyAtom(string name) : Atom
{
    public string Name { get; } = name;
}
