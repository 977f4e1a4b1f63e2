namespace Parley.Generator.Guides.Json;

/// <summary>Before a value.</summary>
internal sealed class ValueState(Goal goal) : JsonState
{
    public Goal Goal { get; } = goal;
}
