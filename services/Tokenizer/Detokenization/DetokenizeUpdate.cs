namespace Parley.Tokenizer.Detokenization;

/// <summary>What a batch of ids gave.</summary>
/// <param name="Text">New text, never taken back.</param>
/// <param name="TokensRead">Tokens of the sequence read so far; at a stop, through the token that completed it.</param>
/// <param name="Stop">The stop that ended the text, or null.</param>
/// <param name="IsFinal">No more text follows.</param>
/// <param name="Special">Where special tokens stand in the text; null unless that was asked for.</param>
internal readonly record struct DetokenizeUpdate(
    string Text, int TokensRead, string? Stop, bool IsFinal, IReadOnlyList<(int Start, int Length)>? Special = null);
