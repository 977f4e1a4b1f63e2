namespace Parley.Generator.Sampling;

/// <summary>What the model thought of a token of the prompt in its place.</summary>
/// <param name="Logprob">Its log-probability.</param>
/// <param name="Rank">Its place among all tokens, from 1; the lower id first among equals.</param>
/// <param name="Top">The most likely tokens, best first.</param>
internal sealed record PromptTokenDetail(float Logprob, int Rank, IReadOnlyList<TokenLogprob> Top);
