using Parley.Generator.Guides.Grammars;

namespace Parley.Generator.Guides.Tags;

/// <summary>What ends the tag around a format.</summary>
/// <param name="Symbols">Its end, in any of these ways; none where no tag is around.</param>
/// <param name="IsLast">Whether the format stands last in the tag, so that the end follows it; else the end only must not be in its text.</param>
internal sealed record TagEnds(IReadOnlyList<int[]> Symbols, bool IsLast)
{
    public static TagEnds None { get; } = new([], false);

    /// <summary>For what something follows.</summary>
    public TagEnds Inside => this with { IsLast = false };

    /// <summary>A format that is no free text, with the end behind it where it stands last.</summary>
    public GrammarTree Close(GrammarTree tree) => IsLast && Symbols.Count > 0
        ? GrammarTree.Sequence(tree, GrammarTree.Choice([.. Symbols.Select(GrammarTree.Literal)]))
        : tree;

    /// <summary>Free text with the strings that are looked for in it, up to the end where it stands last.</summary>
    public GrammarTree Text(IEnumerable<TextPattern> patterns)
    {
        var ends = Symbols.Where(end => end.Length > 0).Select(end => new TextPattern(end, IsLast ? GrammarTree.Empty : null, Returns: false));
        var mayEnd = !IsLast || Symbols.Count == 0 || Symbols.Any(end => end.Length == 0);
        return GrammarTree.OfText(new FreeText([.. patterns, .. ends], mayEnd));
    }
}
