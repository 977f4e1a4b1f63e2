namespace Parley.Generator.Scheduling;

/// <summary>
/// Every decoding sequence gets its token in every step; prompts share what is left: a quarter for the one with the least to read, so
/// that a short chat is not behind every long one, and the rest first come first served, so that a long one is not behind every short.
/// While somebody decodes, a step reads at most <paramref name="prefillTokensMax"/> prompt tokens: that bounds the pause between two
/// tokens of others. With nobody waiting for a token, prompts get the whole step.
/// </summary>
/// <param name="stepTokensMax">Tokens of a step.</param>
/// <param name="prefillTokensMax">Prompt tokens of a step in which others decode.</param>
internal sealed class DecodeFirstPolicy(int stepTokensMax, int prefillTokensMax) : ISchedulingPolicy
{
    private const int ShortestPart = 4;

    public void Share(ReadOnlySpan<SequenceDemand> demands, Span<int> grants)
    {
        var decoding = 0;
        for (var i = 0; i < demands.Length; i++)
        {
            grants[i] = demands[i].IsDecoding && decoding < stepTokensMax ? demands[i].PendingTokens : 0;
            decoding += grants[i];
        }

        var left = PromptTokensMax(decoding);
        var shortest = IndexOfShortest(demands);
        if (shortest >= 0)
        {
            grants[shortest] = Math.Min(demands[shortest].PendingTokens, left / ShortestPart);
            left -= grants[shortest];
        }

        for (var i = 0; i < demands.Length && left > 0; i++)
        {
            if (demands[i].IsDecoding)
                continue;
            var more = Math.Min(demands[i].PendingTokens - grants[i], left);
            grants[i] += more;
            left -= more;
        }
    }

    public int PromptTokensMax(int decodingCount) => decodingCount == 0
        ? stepTokensMax
        : Math.Clamp(stepTokensMax - decodingCount, 0, prefillTokensMax);

    private static int IndexOfShortest(ReadOnlySpan<SequenceDemand> demands)
    {
        var shortest = -1;
        for (var i = 0; i < demands.Length; i++)
        {
            if (demands[i] is { IsDecoding: false, PendingTokens: > 0 }
                && (shortest < 0 || demands[i].PendingTokens < demands[shortest].PendingTokens))
            {
                shortest = i;
            }
        }

        return shortest;
    }
}
