namespace Parley.Generator.Speculation;

/// <summary>
/// Guesses what comes next from what has come before: the tokens behind the last earlier place where the sequence's end stands already.
/// Quotes, code and lists repeat themselves; nothing else pays, and <see cref="DraftAcceptance"/> notices.
/// </summary>
internal static class PromptLookup
{
    /// <summary>Two tokens in common may be chance, four rarely are; the longest run that is found decides.</summary>
    private const int RunTokensMax = 4;

    private const int RunTokensMin = 2;

    /// <summary>Finds a continuation.</summary>
    /// <param name="tokens">Prompt and answer so far.</param>
    /// <returns>Where it begins in <paramref name="tokens"/>, or −1 when their end stands nowhere else.</returns>
    public static int Find(ReadOnlySpan<uint> tokens)
    {
        for (var run = Math.Min(RunTokensMax, tokens.Length - 1); run >= RunTokensMin; run--)
        {
            var at = tokens[..^1].LastIndexOf(tokens[^run..]);
            if (at >= 0)
                return at + run;
        }

        return -1;
    }
}
