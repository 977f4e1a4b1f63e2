using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Earley;

/// <summary>All ways to read a text up to a place: a set of Earley's. Equal ones are the same object while the machine keeps them.</summary>
internal sealed class GrammarState : LocalState
{
    /// <summary>The ways that lead here, without those that begin here: what makes the state what it is.</summary>
    public required GrammarItem[] Kernel { get; init; }

    /// <summary>The ways that go on with a byte or a token.</summary>
    public required GrammarItem[] Items { get; init; }

    /// <summary>Machines whose parts may begin here.</summary>
    public required Embedding[] Starts { get; init; }

    /// <summary>Whether the text may end here.</summary>
    public required bool MayEnd { get; init; }

    /// <summary>Whether a token may come next as itself.</summary>
    public required bool TakesTokens { get; init; }

    /// <summary>The states behind one more byte, by its class, so far as they are known.</summary>
    public GrammarState?[]? Next { get; set; }

    /// <summary>The machine's generation that <see cref="Next"/> is of.</summary>
    public int Generation { get; set; }
}
