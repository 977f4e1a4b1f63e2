namespace Parley.Generator.Sequences;

/// <summary>The tokens of one sequence.</summary>
/// <param name="PromptTokens">Length of the prompt.</param>
/// <param name="CachedTokens">Prompt tokens whose keys and values were in the cache when the sequence first ran.</param>
/// <param name="CompletionTokens">Length of the answer, tokens resumed from another replica included.</param>
internal readonly record struct SequenceUsage(int PromptTokens, int CachedTokens, int CompletionTokens);
