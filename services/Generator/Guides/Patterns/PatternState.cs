using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Patterns;

/// <summary>Within a text that a pattern must match.</summary>
/// <param name="number">State of the pattern's automaton.</param>
internal sealed class PatternState(int number) : LocalState
{
    public int Number { get; } = number;
}
