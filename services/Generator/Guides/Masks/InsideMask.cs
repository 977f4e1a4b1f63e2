namespace Parley.Generator.Guides.Masks;

/// <summary>What a state within a string lets pass, whatever encloses the string.</summary>
/// <param name="Staying">Mask of the tokens that stay inside.</param>
/// <param name="Closing">Mask of the tokens that may end it, so far as their part before the quote is concerned.</param>
internal sealed record InsideMask(uint[] Staying, uint[] Closing);
