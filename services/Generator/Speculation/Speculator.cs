using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;

namespace Parley.Generator.Speculation;

/// <summary>
/// Adds drafts to the decode rows of a plan, as far as the step has room for them beside everybody's tokens. A draft changes what a
/// step costs and never what is said: each of its tokens is compared with the one that is sampled in its place.
/// </summary>
/// <param name="draftTokensMax">Tokens of one draft at most, whatever its request asks for; 0 is off.</param>
/// <param name="stepDraftTokensMax">Tokens of all drafts of a step.</param>
/// <param name="contextTokensMax">Prompt and answer of one sequence.</param>
/// <param name="freeTokens">Tokens of a step that cost what one costs; 1: none is free.</param>
/// <param name="positions">Bounds drafts where tokens behind a border turn otherwise; null for nowhere.</param>
/// <param name="headTokensMax">Tokens that the model's own head guesses at most; 0 where it is not used.</param>
internal sealed class Speculator(
    int draftTokensMax, int stepDraftTokensMax, int contextTokensMax, int freeTokens, SequencePositions? positions = null,
    int headTokensMax = 0)
{
    /// <summary>
    /// Tokens of a step up to which the head guesses for whoever asked for nothing: a guess that is mostly right may cost something.
    /// </summary>
    private readonly int _headStepTokens = Math.Max(4, 2 * freeTokens);

    private readonly uint[] _forced = new uint[draftTokensMax];

    /// <summary>Where a sequence starts.</summary>
    public void Begin(Sequence sequence)
    {
        sequence.Drafting = DraftAcceptance.Begin(DraftTokensMax(sequence));
        sequence.ForcedDrafting = DraftAcceptance.Begin(Math.Min(sequence.Parameters.DraftTokens, draftTokensMax));
    }

    /// <summary>Drafts.</summary>
    /// <param name="plan">Rows that were planned.</param>
    /// <param name="tokensLeft">Tokens that the step has still room for.</param>
    /// <param name="faults">Grows by the sequences for which that throws.</param>
    public void Draft(StepPlan plan, int tokensLeft, List<SequenceFault> faults)
    {
        if (draftTokensMax == 0)
            return;
        var left = Math.Min(tokensLeft, stepDraftTokensMax);
        var sharers = 0;

        // What a guide leaves no choice about is nearly always right: it is worth more than a guess, and more than it costs.
        for (var i = 0; i < plan.Rows.Length; i++)
        {
            if (plan.Rows[i].Sequence.Guide is not null)
                left -= TryDraft(plan, i, left, forced: true, faults);
        }

        for (var i = 0; i < plan.Rows.Length; i++)
        {
            var sequence = plan.Rows[i].Sequence;
            if (plan.Rows[i].DraftTokens > 0)
                continue;
            if (!sequence.Parameters.FreeDraftsOnly)
                left -= TryDraft(plan, i, left, forced: false, faults);
            else if (IsDrafting(sequence))
                sharers++;
        }

        // Whoever asked for drafts has them; what then still costs nothing is shared among those who did not.
        for (var i = 0; i < plan.Rows.Length; i++)
        {
            var sequence = plan.Rows[i].Sequence;
            if (!sequence.Parameters.FreeDraftsOnly || plan.Rows[i].DraftTokens > 0)
                continue;
            var rests = !IsDrafting(sequence);
            var most = sequence.Guesses.Length > 0 ? _headStepTokens : freeTokens;
            var free = Math.Min(left, Math.Max(most - plan.TokenCount, 0));
            left -= TryDraft(plan, i, rests ? 0 : (free + sharers - 1) / sharers--, forced: false, faults);
        }
    }

    /// <summary>How many tokens the model's own head is to guess behind a sequence's last one, before the next step is planned.</summary>
    /// <param name="sequence">Whose; once for each of its steps.</param>
    /// <param name="decoding">Sequences that will have a row in the next step.</param>
    public int GuessTokens(Sequence sequence, int decoding)
    {
        if (!sequence.IsDecoding)
            return 0;
        var most = Math.Min(Math.Min(sequence.Parameters.DraftTokens, draftTokensMax), headTokensMax);
        if (sequence.Parameters.FreeDraftsOnly)
            most = Math.Min(most, (Math.Max(_headStepTokens - decoding, 0) + decoding - 1) / decoding);
        most = Math.Min(sequence.HeadDrafting.DraftTokens(most), RoomOf(sequence));
        sequence.HeadDrafting = sequence.HeadDrafting.AfterRest();
        // A quotation costs nothing to find, and where it is right it is right for long.
        return most > 0 && sequence.Drafting.DraftTokens > 0 && DraftTokensMax(sequence) > 0 && PromptLookup.Find(sequence.Tokens) >= 0
            ? 0 : Math.Max(most, 0);
    }

    /// <summary>Learns from a draft that was verified, and drops it.</summary>
    public void Verified(Sequence sequence, int drafted, int accepted)
    {
        switch (sequence.DraftOrigin)
        {
            case DraftOrigin.Guide:
                var most = Math.Min(sequence.Parameters.DraftTokens, draftTokensMax);
                sequence.ForcedDrafting = sequence.ForcedDrafting.After(drafted, accepted, most);
                break;
            case DraftOrigin.Head:
                sequence.HeadDrafting = sequence.HeadDrafting.After(drafted, accepted);
                break;
            default:
                sequence.Drafting = sequence.Drafting.After(drafted, accepted, DraftTokensMax(sequence));
                break;
        }

        sequence.DropDraft();
    }

    private int TryDraft(StepPlan plan, int row, int tokensMax, bool forced, List<SequenceFault> faults)
    {
        try
        {
            return forced ? DraftForced(plan, row, tokensMax) : Draft(plan, row, tokensMax);
        }
        catch (Exception exception)
        {
            faults.Add(new SequenceFault(plan.Rows[row].Sequence, exception));
            return 0;
        }
    }

    /// <returns>Tokens of the row's draft.</returns>
    private int Draft(StepPlan plan, int row, int tokensMax)
    {
        var sequence = plan.Rows[row].Sequence;
        if (!sequence.IsDecoding || (DraftTokensMax(sequence) == 0 && sequence.Guesses.Length == 0))
            return 0;
        var room = Math.Min(tokensMax, RoomOf(sequence));
        var wanted = Math.Min(Math.Min(sequence.Drafting.DraftTokens, DraftTokensMax(sequence)), room);
        if (sequence.Guesses.Length > 0)
        {
            // Only where there was nothing to quote.
            if (room > 0)
                sequence.SetDraft(sequence.Guesses[..Math.Min(sequence.Guesses.Length, room)], DraftOrigin.Head);
        }
        else if (wanted > 0 && PromptLookup.Find(sequence.Tokens) is var start && start >= 0)
        {
            sequence.SetDraft(start, wanted);
        }

        // What its guide forbids will not be chosen.
        if (sequence is { Guide: { } guide, DraftLength: > 0 })
            sequence.CutDraft(ForcedText.CountAllowed(guide, sequence.TokensAndDraft[sequence.Length..]));
        if (sequence.DraftLength == 0 || sequence.DraftOrigin == DraftOrigin.Head)
            sequence.Drafting = sequence.Drafting.AfterRest();
        if (sequence.DraftLength > 0)
            plan.SetDraft(row, sequence.DraftLength);
        return sequence.DraftLength;
    }

    private static bool IsDrafting(Sequence sequence) =>
        sequence.IsDecoding && (sequence.Drafting.DraftTokens > 0 || sequence.Guesses.Length > 0);

    /// <returns>Tokens of the row's draft.</returns>
    private int DraftForced(StepPlan plan, int row, int tokensMax)
    {
        var sequence = plan.Rows[row].Sequence;
        if (!sequence.IsDecoding || sequence.Parameters.DraftTokens == 0)
            return 0;
        var wanted = Math.Min(Math.Min(sequence.ForcedDrafting.DraftTokens, tokensMax), RoomOf(sequence));
        var count = wanted > 0 ? ForcedText.Find(sequence.Guide!, _forced.AsSpan(0, wanted)) : 0;
        if (count == 0)
        {
            sequence.ForcedDrafting = sequence.ForcedDrafting.AfterRest();
            return 0;
        }

        sequence.SetDraft(_forced.AsSpan(0, count), DraftOrigin.Guide);
        plan.SetDraft(row, count);
        return count;
    }

    /// <summary>One more token follows an accepted draft, so the draft itself must leave room for it everywhere.</summary>
    private int RoomOf(Sequence sequence) => Math.Min(
        Math.Min(sequence.Parameters.MaxTokens - sequence.AnswerLength, contextTokensMax - sequence.Length) - 1,
        Math.Min(sequence.Stream.Room - 1, positions?.DraftRoom(sequence) ?? int.MaxValue));

    private int DraftTokensMax(Sequence sequence)
    {
        var most = Math.Min(sequence.Parameters.DraftTokens, draftTokensMax);
        return sequence.Parameters.FreeDraftsOnly ? Math.Min(most, freeTokens - 1) : most;
    }
}
