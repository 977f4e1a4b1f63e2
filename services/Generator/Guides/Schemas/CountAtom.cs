using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>At least so many more members of an object, or items of an array.</summary>
/// <param name="table">Where counts are found.</param>
/// <param name="more">At least 1.</param>
internal sealed class CountAtom(AtomTable table, int more) : Atom
{
    public int More { get; } = more;

    /// <summary>What is left behind one more.</summary>
    public Formula Less() => table.AtLeast(More - 1);
}
