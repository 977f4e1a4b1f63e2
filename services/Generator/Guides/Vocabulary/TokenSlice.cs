namespace Parley.Generator.Guides.Vocabulary;

/// <summary>
/// Tokens that keep to some characters inside a JSON string: where a state takes each of these characters and is the same behind it, all
/// of the
/// tokens are known at once, and only the rest is walked.
/// </summary>
/// <param name="Ascii">The characters below 128 that belong to it.</param>
/// <param name="IsForeign">Whether all characters from 128 on belong to it, line and paragraph separator aside.</param>
/// <param name="Staying">Mask of the tokens that stay inside the string.</param>
/// <param name="Closing">Mask of the tokens that end it.</param>
/// <param name="Rest">All other tokens.</param>
internal sealed record TokenSlice(byte[] Ascii, bool IsForeign, uint[] Staying, uint[] Closing, TokenTrie Rest);
