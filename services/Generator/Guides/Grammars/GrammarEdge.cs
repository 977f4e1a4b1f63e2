namespace Parley.Generator.Guides.Grammars;

/// <summary>An edge of a grammar's network.</summary>
/// <param name="Kind">What it takes.</param>
/// <param name="First">The first byte of a range.</param>
/// <param name="Last">The last one.</param>
/// <param name="Value">A token's id, or the number of a rule, of a machine or of a list of tokens.</param>
/// <param name="Target">Where it leads.</param>
/// <param name="NextEdge">The next edge out of the same node; −1 for none.</param>
internal readonly record struct GrammarEdge(
    GrammarEdgeKind Kind, byte First, byte Last, int Value, int Target, int NextEdge = -1)
{
    /// <summary>Whether the edge takes a token as itself.</summary>
    public bool IsToken => Kind is GrammarEdgeKind.Token or GrammarEdgeKind.OtherToken;
}
