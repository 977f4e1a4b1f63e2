namespace Parley.Cli.Sizing;

/// <summary>Requests to be answered, and how fast one replica is.</summary>
/// <param name="RequestsPerSecond">Their rate.</param>
/// <param name="PromptTokens">Mean length of a prompt, without what the prefix cache holds.</param>
/// <param name="AnswerTokens">Mean length of an answer.</param>
/// <param name="DecodeTokensPerSecond">Tokens of answers that one replica gives, all its sequences together.</param>
/// <param name="PromptTokensPerSecond">Tokens of prompts that it reads.</param>
/// <param name="Utilization">Share of a replica's time that is planned with: the rest is for bursts and for a replica that is away.</param>
internal sealed record RequestLoad(
    double RequestsPerSecond, int PromptTokens, int AnswerTokens, double DecodeTokensPerSecond, double PromptTokensPerSecond,
    double Utilization)
{
    /// <summary>Seconds of one replica that one request takes.</summary>
    public double BusySeconds => (PromptTokens / PromptTokensPerSecond) + (AnswerTokens / DecodeTokensPerSecond);

    /// <summary>Replicas that the rate takes; what fractions in base two are off by makes no further one.</summary>
    public int Replicas => Math.Max(1, (int)Math.Ceiling((RequestsPerSecond * BusySeconds / Utilization) - 1e-9));

    /// <summary>How long a request takes where so many share a replica: each has its part of the tokens.</summary>
    public double RequestSeconds(int sequences) =>
        (PromptTokens / PromptTokensPerSecond) + (AnswerTokens * sequences / DecodeTokensPerSecond);
}
