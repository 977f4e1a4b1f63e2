using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Earley;

/// <summary>
/// A machine within a grammar, with what follows its part: places inside are the inner machine's own, so that its fast ways stay, those
/// behind it the grammar's.
/// </summary>
internal sealed class EmbeddedMachine(EarleyMachine outer, Embedding embedding) : GuideMachine
{
    private readonly GuideMachine _inner = embedding.Machine;

    /// <inheritdoc/>
    public override Place Start => _inner.Start;

    /// <inheritdoc/>
    public override bool IsLive(Place place) => EarleyMachine.Owns(place) ? outer.IsLive(place) : _inner.IsLive(place);

    /// <inheritdoc/>
    public override bool MayEnd(Place place) => EarleyMachine.Owns(place) && outer.MayEnd(place);

    /// <inheritdoc/>
    public override bool TryStep(Place place, byte next, Trail trail, out Place after)
    {
        if (EarleyMachine.Owns(place))
            return outer.TryStep(place, next, trail, out after);
        return _inner.TryStep(place, next, trail, out after) && (!_inner.MayEnd(after) || outer.TryJoin(embedding, after, out after));
    }

    /// <inheritdoc/>
    public override bool TryLeave(Place place, out Place after)
    {
        if (!_inner.TryLeave(place, out after))
            return false;
        return !_inner.MayEnd(after) || outer.TryJoin(embedding, after, out after);
    }
}
