namespace Parley.Generator.Speculation;

/// <summary>
/// How many tokens to draft for one sequence, from what became of its drafts: one more after a draft that was right to its end, half
/// after one that was wrong from its start, none for a while when even one token was wrong. The while doubles each time.
/// </summary>
/// <param name="Length">Tokens of the next draft.</param>
/// <param name="Rest">Steps without drafts that are still to come.</param>
/// <param name="RestNext">Steps of the next rest.</param>
internal readonly record struct DraftAcceptance(int Length, int Rest, int RestNext)
{
    private const int RestMin = 8;
    private const int RestMax = 512;

    /// <summary>The start: hopeful.</summary>
    public static DraftAcceptance Begin(int draftTokensMax) => new(draftTokensMax, 0, RestMin);

    /// <summary>Tokens to draft now; 0 while resting.</summary>
    public int DraftTokens => Rest > 0 ? 0 : Length;

    /// <summary>After a step without a draft.</summary>
    public DraftAcceptance AfterRest() => Rest == 0 ? this : this with { Rest = Rest - 1 };

    /// <summary>After a draft was verified.</summary>
    /// <param name="drafted">Its tokens; at least one.</param>
    /// <param name="accepted">How many of them were right.</param>
    /// <param name="draftTokensMax">Most tokens of a draft.</param>
    public DraftAcceptance After(int drafted, int accepted, int draftTokensMax)
    {
        if (accepted == drafted)
            return new DraftAcceptance(Math.Min(Length + 1, draftTokensMax), 0, RestMin);
        if (accepted > 0)
            return this;
        return Length > 1
            ? this with { Length = Length / 2 }
            : new DraftAcceptance(1, RestNext, Math.Min(RestNext * 2, RestMax));
    }
}
