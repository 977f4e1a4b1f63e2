namespace Parley.Generator.Scheduling;

/// <summary>
/// Every decoding sequence gets its token in every step; prompts share what is left, first come first served. While somebody decodes,
/// a step reads at most <paramref name="prefillTokensMax"/> prompt tokens: that bounds the pause between two tokens of others.
/// With nobody waiting for a token, prompts get the whole step.
/// </summary>
/// <param name="stepTokensMax">Tokens of a step.</param>
/// <param name="prefillTokensMax">Prompt tokens of a step in which others decode.</param>
internal sealed class DecodeFirstPolicy(int stepTokensMax, int prefillTokensMax) : ISchedulingPolicy
{
    public void Share(ReadOnlySpan<SequenceDemand> demands, Span<int> grants)
    {
        var decoding = 0;
        for (var i = 0; i < demands.Length; i++)
        {
            grants[i] = demands[i].IsDecoding && decoding < stepTokensMax ? demands[i].PendingTokens : 0;
            decoding += grants[i];
        }

        var left = PromptTokensMax(decoding);
        for (var i = 0; i < demands.Length && left > 0; i++)
        {
            if (demands[i].IsDecoding)
                continue;
            grants[i] = Math.Min(demands[i].PendingTokens, left);
            left -= grants[i];
        }
    }

    public int PromptTokensMax(int decodingCount) => decodingCount == 0
        ? stepTokensMax
        : Math.Clamp(stepTokensMax - decodingCount, 0, prefillTokensMax);
}
