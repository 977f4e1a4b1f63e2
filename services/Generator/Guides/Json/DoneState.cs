namespace Parley.Generator.Guides.Json;

/// <summary>Behind the whole text.</summary>
internal sealed class DoneState : LocalState
{
    public static DoneState Instance { get; } = new() { CanEnd = true };
}
