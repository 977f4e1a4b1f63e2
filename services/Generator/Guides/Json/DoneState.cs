namespace Parley.Generator.Guides.Json;

/// <summary>Behind the whole text.</summary>
internal sealed class DoneState : JsonState
{
    public static DoneState Instance { get; } = new() { CanEnd = true };
}
