namespace Parley.Generator.Guides.Grammars;

/// <summary>A string that is looked for in a text.</summary>
/// <param name="Symbols">Its bytes and tokens; at least one.</param>
/// <param name="Then">What follows it; null where it must not come at all.</param>
/// <param name="Returns">Whether free text follows then; else the text is over.</param>
internal sealed record TextPattern(IReadOnlyList<int> Symbols, GrammarTree? Then, bool Returns);
