using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Earley;

/// <summary>A text that may be read in several ways, within machines' parts among them.</summary>
/// <param name="ways">The ways outside of any machine; null for none.</param>
/// <param name="inside">Those within; at least one.</param>
internal sealed class MixedState(GrammarState? ways, IReadOnlyList<EmbeddedPlace> inside) : LocalState
{
    public GrammarState? Ways { get; } = ways;

    public IReadOnlyList<EmbeddedPlace> Inside { get; } = inside;
}
