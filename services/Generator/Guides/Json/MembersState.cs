namespace Parley.Generator.Guides.Json;

/// <summary>Within an object, between its members.</summary>
internal sealed class MembersState(ObjectState members, MembersPhase phase) : JsonState
{
    public ObjectState Object { get; } = members;

    public MembersPhase Phase { get; } = phase;
}
