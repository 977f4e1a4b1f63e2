using Parley.Generator.Guides.Grammars;

namespace Parley.Generator.Guides.Tags;

/// <summary>A tag.</summary>
/// <param name="Text">The text that begins it; null where a token does that is given as such.</param>
/// <param name="Begin">The same as bytes and tokens.</param>
/// <param name="Rest">What follows it, its end included.</param>
/// <param name="Place">Where its begin stands, for refusals.</param>
internal sealed record OpenTag(string? Text, int[] Begin, GrammarTree Rest, string Place)
{
    public GrammarTree ToTree() => GrammarTree.Sequence(GrammarTree.Literal(Begin), Rest);
}
