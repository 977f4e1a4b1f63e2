namespace Parley.Gateway.Chat;

/// <summary>What the model thought of a token of the prompt in its place.</summary>
/// <param name="Logprob">Its log-probability.</param>
/// <param name="Rank">Its place among all tokens, from 1.</param>
/// <param name="Top">The most likely tokens, best first.</param>
internal sealed record PromptTokenLogprobs(float Logprob, uint Rank, IReadOnlyList<TokenLogprobs.Candidate> Top);
