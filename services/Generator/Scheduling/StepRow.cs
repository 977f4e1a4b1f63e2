using Parley.Generator.Sequences;

namespace Parley.Generator.Scheduling;

/// <summary>A sequence's part of a step.</summary>
/// <param name="Sequence">Whose.</param>
/// <param name="NewTokens">Tokens that it reads, from its CachedLength on; drafts come on top.</param>
/// <param name="DraftTokens">Tokens of its draft, behind its own.</param>
/// <param name="WantsLogits">They reach its end, so the next token is sampled.</param>
internal readonly record struct StepRow(Sequence Sequence, int NewTokens, int DraftTokens, bool WantsLogits)
{
    /// <summary>Rows of logits that the step gives: one for the next token and one behind each drafted one.</summary>
    public int LogitRows => WantsLogits ? 1 + DraftTokens : 0;
}
