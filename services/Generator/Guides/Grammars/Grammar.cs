namespace Parley.Generator.Guides.Grammars;

/// <summary>Rules that name each other.</summary>
/// <param name="Rules">By number.</param>
/// <param name="Root">The rule that the whole text must meet.</param>
internal sealed record Grammar(IReadOnlyList<GrammarRule> Rules, int Root);
