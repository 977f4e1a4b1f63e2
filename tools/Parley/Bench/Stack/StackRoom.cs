namespace Parley.Cli.Bench.Stack;

/// <summary>Whether the levels fit: what does not would measure preemption, or read behind the cache.</summary>
/// <param name="options">The levels.</param>
/// <param name="runningSequencesMax">Sequences that run at once.</param>
/// <param name="contextTokensMax">Tokens of one.</param>
/// <param name="blockCount">Of the KV cache.</param>
/// <param name="blockTokens">Of one block.</param>
/// <param name="bytesPerToken">Keys and values of one token.</param>
internal sealed class StackRoom(
    StackOptions options, int runningSequencesMax, int contextTokensMax, int blockCount, int blockTokens, int bytesPerToken)
{
    /// <summary>Looks at all levels with prompts of this length.</summary>
    /// <param name="promptTokens">Tokens of a prompt, as far as known.</param>
    /// <exception cref="UserErrorException">One does not fit; the message says what to change.</exception>
    public void Check(int promptTokens)
    {
        var tokens = promptTokens + options.AnswerTokens + 1;
        var streams = options.Streams.Max();
        if (streams > runningSequencesMax && options.Heights.Any(height => height != StackRun.ServicesHeight))
        {
            throw new UserErrorException(
                $"--streams: {streams} do not run at once; add --set Generator:RunningSequencesMax={streams}, "
                + $"or measure --heights {StackRun.ServicesHeight} alone.");
        }

        var running = Math.Min(streams, runningSequencesMax);
        var blocks = (long)running * ((tokens + blockTokens - 1) / blockTokens);
        if (blocks > blockCount)
            throw TooSmall(promptTokens, running, blocks);
        if (tokens > contextTokensMax)
        {
            throw new UserErrorException(
                $"--max-tokens: {promptTokens} tokens of the prompt and {options.AnswerTokens} of the answer do not fit the context of "
                + $"{contextTokensMax}.");
        }
    }

    private UserErrorException TooSmall(int promptTokens, int running, long blocks)
    {
        var fitting = (blockCount / running * blockTokens) - promptTokens - 1;
        var megabytes = ((blocks * blockTokens * bytesPerToken) + (1 << 20) - 1) >> 20;
        return new UserErrorException(
            $"--max-tokens: {running} streams of {promptTokens} + {options.AnswerTokens} tokens need {blocks} blocks of the KV cache, "
            + $"which has {blockCount}: at most {Math.Max(0, fitting)} tokens of an answer fit, "
            + $"or add --set Generator:KvCacheMegabytes={megabytes}.");
    }
}
