namespace Parley.Generator.Scheduling;

/// <summary>Shares one step among the running sequences: arithmetic over counters, without state.</summary>
internal interface ISchedulingPolicy
{
    /// <summary>Says how many tokens each sequence may read in the next step.</summary>
    /// <param name="demands">The running sequences in the order of service.</param>
    /// <param name="grants">For each of them 0 to PendingTokens.</param>
    void Share(ReadOnlySpan<SequenceDemand> demands, Span<int> grants);

    /// <summary>Tokens that a step can give to sequences that do not decode, when this many do.</summary>
    int PromptTokensMax(int decodingCount);
}
