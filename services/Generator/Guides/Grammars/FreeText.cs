namespace Parley.Generator.Guides.Grammars;

/// <summary>
/// Any well-formed text in which some strings are looked for: the first that is complete decides, so that this is not the same as a text
/// followed by a string (of <c>aaa</c> the first two are the string <c>aa</c>). A string that must not come is not in the text before the
/// one that decides; it may overlap that one.
/// </summary>
/// <param name="Patterns">The strings.</param>
/// <param name="MayEnd">Whether the text may end without one, between any two characters.</param>
internal sealed record FreeText(IReadOnlyList<TextPattern> Patterns, bool MayEnd);
