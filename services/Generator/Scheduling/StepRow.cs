using Parley.Generator.Sequences;

namespace Parley.Generator.Scheduling;

/// <summary>A sequence's part of a step.</summary>
/// <param name="Sequence">Whose.</param>
/// <param name="NewTokens">Tokens that it reads, from its CachedLength on; drafts come on top.</param>
/// <param name="DraftTokens">Tokens of its draft, behind its own.</param>
/// <param name="WantsLogits">They reach its end, so the next token is sampled.</param>
internal readonly record struct StepRow(Sequence Sequence, int NewTokens, int DraftTokens, bool WantsLogits)
{
    /// <summary>
    /// Of its own tokens, the last but for the one that is sampled behind, how many judge a token of the prompt; then it has no draft.
    /// </summary>
    public int PromptRows { get; init; }

    /// <summary>
    /// Rows of logits that the step gives: those about the prompt, one for the next token and one behind each drafted one.
    /// </summary>
    public int LogitRows => PromptRows + (WantsLogits ? 1 + DraftTokens : 0);
}
