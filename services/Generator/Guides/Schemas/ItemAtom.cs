using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>Every further item of an array meets what its place asks. Values are formulas over <see cref="Schema"/>.</summary>
/// <param name="places">What the first places ask.</param>
/// <param name="rest">What all places behind them ask.</param>
/// <param name="index">The place of the next item.</param>
internal sealed class ItemAtom(IReadOnlyList<Formula> places, Formula rest, int index = 0) : Atom
{
    private ItemAtom? _next;

    /// <summary>What the next item must meet.</summary>
    public Formula Value => index < places.Count ? places[index] : rest;

    /// <summary>Places that are left before all are alike.</summary>
    public int PlacesLeft => Math.Max(0, places.Count - index);

    /// <summary>The condition on the items behind the next.</summary>
    public ItemAtom Next => index >= places.Count ? this : _next ??= new ItemAtom(places, rest, index + 1);
}
