using Parley.Generator.Guides.Json;

namespace Parley.Generator.Guides.Masks;

/// <summary>Tokens that end a string with the same verdicts.</summary>
/// <param name="Verdicts">The verdicts.</param>
/// <param name="Text">A state before the closing quote of one of them.</param>
/// <param name="Tokens">Mask of the tokens, in memory that may be longer.</param>
internal readonly record struct ClosingGroup(Outcomes Verdicts, TextState Text, uint[] Tokens);
