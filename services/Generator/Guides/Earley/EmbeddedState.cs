using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Earley;

/// <summary>Within the part of a machine, which can't end here, and nowhere else.</summary>
/// <param name="at">Where it stands.</param>
internal sealed class EmbeddedState(EmbeddedPlace at) : LocalState
{
    public EmbeddedPlace At { get; } = at;
}
