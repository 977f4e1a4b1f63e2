namespace Parley.Generator.Speculation;

/// <summary>
/// How much a model's own head is to guess for one sequence, from how often it was right of late. Unlike a quotation, a head is always as
/// good as the text is easy: one wrong guess says little, so it is the running share of right ones that decides. Whole numbers, so that
/// the same text is drafted alike everywhere.
/// </summary>
/// <param name="Rate">Share of guesses that were right, those of late counting most; in parts of <see cref="Whole"/>.</param>
/// <param name="Rest">Steps without guesses that are still to come.</param>
/// <param name="RestNext">Steps of the next rest.</param>
internal readonly record struct HeadAcceptance(int Rate, int Rest, int RestNext)
{
    /// <summary>Every guess is right.</summary>
    public const int Whole = 1 << 10;

    /// <summary>What a guess counts: one in sixteen.</summary>
    private const int Weight = 16;

    private const int RestMin = 16;
    private const int RestMax = 512;

    /// <summary>Longer rests cost the sequence the head's keys: to keep them costs nearly a layer a step.</summary>
    private const int KeptRestMax = 64;

    /// <summary>
    /// Below, a step with guesses takes longer than it spares: with AVX2 three rows cost what two do, half more than one, and four two
    /// thirds more (docs/benchmarks/head-drafts.md). So nobody guesses one token where two are allowed.
    /// </summary>
    private const int PaysFrom = Whole * 9 / 20;

    private const int ThirdPaysFrom = Whole * 7 / 10;

    /// <summary>The start: as such heads mostly are.</summary>
    public static HeadAcceptance Begin { get; } = new(Whole * 3 / 4, 0, RestMin);

    /// <summary>Whether the head's keys are written for tokens behind which nothing is guessed.</summary>
    public bool KeepsKeys => Rest <= KeptRestMax;

    /// <summary>Tokens to guess now, at most so many; 0 while resting.</summary>
    public int DraftTokens(int most) => Rest > 0 ? 0 : Math.Min(most, Rate < ThirdPaysFrom ? 2 : 3);

    /// <summary>After a step without a guess.</summary>
    public HeadAcceptance AfterRest() => Rest == 0 ? this : this with { Rest = Rest - 1 };

    /// <summary>After a draft was verified.</summary>
    /// <param name="drafted">Its tokens; at least one.</param>
    /// <param name="accepted">How many of them were right.</param>
    public HeadAcceptance After(int drafted, int accepted)
    {
        var rate = Rate;
        // Behind a wrong one nothing is known.
        for (var i = 0; i < Math.Min(accepted + 1, drafted); i++)
            rate += ((i < accepted ? Whole : 0) - rate) / Weight;
        if (rate < PaysFrom)
        {
            // After a rest, some guesses more tell whether the text has changed.
            return new HeadAcceptance(PaysFrom + (Whole / Weight), RestNext, Math.Min(RestNext * 2, RestMax));
        }

        return new HeadAcceptance(rate, 0, rate < ThirdPaysFrom ? RestNext : RestMin);
    }
}
