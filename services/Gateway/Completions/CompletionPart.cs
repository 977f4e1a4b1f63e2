using Parley.Gateway.Chat;

namespace Parley.Gateway.Completions;

/// <summary>News of one choice of a completion.</summary>
/// <param name="Index">Of the choice, counted through all prompts.</param>
/// <param name="Text">More of its text.</param>
/// <param name="Tokens">More of its tokens, where log-probabilities are told.</param>
/// <param name="Finished">How it ended, where it did.</param>
internal sealed record CompletionPart(
    int Index, string Text, IReadOnlyList<CompletionToken> Tokens, ChatUpdate.ChoiceFinished? Finished = null);
