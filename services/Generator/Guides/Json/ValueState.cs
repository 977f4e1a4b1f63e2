namespace Parley.Generator.Guides.Json;

/// <summary>Before a value.</summary>
internal sealed class ValueState(Goal goal) : LocalState
{
    public Goal Goal { get; } = goal;
}
