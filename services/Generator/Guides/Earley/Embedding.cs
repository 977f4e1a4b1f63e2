using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Earley;

/// <summary>A machine that reads a part of a text.</summary>
/// <param name="machine">The machine.</param>
/// <param name="behind">Where the text goes on behind its part.</param>
internal sealed class Embedding(GuideMachine machine, GrammarItem behind)
{
    public GuideMachine Machine { get; } = machine;

    public GrammarItem Behind { get; } = behind;
}
