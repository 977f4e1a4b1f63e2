namespace Parley.Gateway.Upstream;

/// <summary>One answer of the Detokenize stream.</summary>
/// <param name="Choice">The choice of the request.</param>
/// <param name="Text">New text; may be empty.</param>
/// <param name="TokensRead">Tokens of the choice read so far; at a stop match, through the token that completed it.</param>
/// <param name="Stop">The stop string that ended the text.</param>
/// <param name="Final">No more text follows for the choice.</param>
/// <param name="Special">Where special tokens stand in the text, if that was asked for.</param>
internal readonly record struct DetokenizedText(
    uint Choice, string Text, uint TokensRead, string? Stop, bool Final, IReadOnlyList<(int Start, int Length)> Special);
