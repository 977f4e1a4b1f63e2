namespace Parley.Generator.Guides.Json;

/// <summary>Within an array, between its items.</summary>
internal sealed class ItemsState(ArrayState items, MembersPhase phase) : JsonState
{
    public ArrayState Array { get; } = items;

    public MembersPhase Phase { get; } = phase;
}
