namespace Parley.Generator.Guides.Masks;

/// <summary>What a state within a string lets pass, whatever encloses the string.</summary>
/// <param name="Staying">The tokens that stay inside.</param>
/// <param name="Closing">The tokens that may end it, so far as their part before the quote is concerned.</param>
internal sealed record InsideMask(KeptMask Staying, KeptMask Closing);
