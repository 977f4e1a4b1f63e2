namespace Parley.Gateway.Chat;

/// <summary>Log-probability of a chosen token, and of the most likely ones at its step.</summary>
internal sealed record TokenLogprobs(float Logprob, IReadOnlyList<TokenLogprobs.Candidate> Top)
{
    internal readonly record struct Candidate(uint Id, float Logprob);
}
