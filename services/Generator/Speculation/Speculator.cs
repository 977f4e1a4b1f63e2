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
internal sealed class Speculator(int draftTokensMax, int stepDraftTokensMax, int contextTokensMax)
{
    /// <summary>Where a sequence starts.</summary>
    public DraftAcceptance Begin(Sequence sequence) => DraftAcceptance.Begin(DraftTokensMax(sequence));

    /// <summary>Drafts.</summary>
    /// <param name="plan">Rows that were planned.</param>
    /// <param name="tokensLeft">Tokens that the step has still room for.</param>
    public void Draft(StepPlan plan, int tokensLeft)
    {
        if (draftTokensMax == 0)
            return;
        var left = Math.Min(tokensLeft, stepDraftTokensMax);
        for (var i = 0; i < plan.Rows.Length; i++)
        {
            var sequence = plan.Rows[i].Sequence;
            if (!sequence.IsDecoding || DraftTokensMax(sequence) == 0)
                continue;
            var wanted = Math.Min(sequence.Drafting.DraftTokens, left);

            // One more token follows an accepted draft, so the draft itself must leave room for it everywhere.
            wanted = Math.Min(wanted, sequence.Parameters.MaxTokens - sequence.AnswerLength - 1);
            wanted = Math.Min(wanted, contextTokensMax - sequence.Length - 1);
            wanted = Math.Min(wanted, sequence.Stream.Room - 1);
            if (wanted > 0 && PromptLookup.Find(sequence.Tokens) is var start && start >= 0)
                sequence.SetDraft(start, wanted);
            if (sequence.DraftLength == 0)
            {
                sequence.Drafting = sequence.Drafting.AfterRest();
                continue;
            }

            plan.SetDraft(i, sequence.DraftLength);
            left -= sequence.DraftLength;
        }
    }

    /// <summary>Learns from a draft that was verified, and drops it.</summary>
    public void Verified(Sequence sequence, int drafted, int accepted)
    {
        sequence.Drafting = sequence.Drafting.After(drafted, accepted, DraftTokensMax(sequence));
        sequence.DropDraft();
    }

    private int DraftTokensMax(Sequence sequence) => Math.Min(sequence.Parameters.DraftTokens, draftTokensMax);
}
