using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Json;

/// <summary>An object while the value of one of its keys is being written.</summary>
internal sealed class PendingMember : Pending
{
    private readonly int _position;
    private readonly KeySet _used;

    public PendingMember(ObjectState before, Formula[] owed, int position, KeySet used)
        : base(before.Machine, owed)
    {
        (Before, _position, _used) = (before, position, used);
        Colon = new ColonState(this);
    }

    /// <summary>The object before the key.</summary>
    public ObjectState Before { get; }

    /// <summary>The state behind the key.</summary>
    public ColonState Colon { get; }

    protected override JsonState With(Formula[] owed) => Machine.Object(Before.Names, _position, _used, owed).After;
}
