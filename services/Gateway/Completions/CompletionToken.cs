namespace Parley.Gateway.Completions;

/// <summary>One token in the form of log-probabilities that completions have.</summary>
/// <param name="Token">Its text.</param>
/// <param name="Logprob">Null for the first of a prompt, of which nothing can be said.</param>
/// <param name="Top">The likeliest in its place and the token itself, each text once; null where <paramref name="Logprob"/> is.</param>
/// <param name="Offset">Characters of the choice's text before it.</param>
internal sealed record CompletionToken(string Token, float? Logprob, IReadOnlyList<(string Token, float Logprob)>? Top, int Offset);
