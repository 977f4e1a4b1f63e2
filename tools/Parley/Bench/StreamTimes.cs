namespace Parley.Cli.Bench;

/// <summary>The arrival times of one stream, in seconds from its request.</summary>
/// <param name="FirstToken">Time to the first chunk with text.</param>
/// <param name="LastToken">Time to the last one.</param>
/// <param name="Gaps">Pauses between chunks.</param>
/// <param name="Tokens">Tokens as the server counted them, or the chunks where it did not.</param>
/// <param name="Failure">Why it ended badly; null when it ended well.</param>
internal sealed record StreamTimes(double FirstToken, double LastToken, IReadOnlyList<double> Gaps, int Tokens, string? Failure);
