namespace Parley.Generator.Guides.Grammars;

/// <summary>A rule of a grammar.</summary>
/// <param name="Name">Its name, for people.</param>
/// <param name="Tree">What it says.</param>
internal sealed record GrammarRule(string Name, GrammarTree Tree);
