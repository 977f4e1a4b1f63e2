using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>At least so many of an array's further items meet a schema.</summary>
/// <param name="value">A formula over <see cref="Schema"/>.</param>
/// <param name="more">At least 1.</param>
internal sealed class ContainsAtom(Formula value, int more) : Atom
{
    private ContainsAtom? _less;

    public Formula Value { get; } = value;

    public int More { get; } = more;

    /// <summary>The condition behind one item that met it; null when that was the last one asked for.</summary>
    public ContainsAtom? Less => More == 1 ? null : _less ??= new ContainsAtom(Value, More - 1);
}
