namespace Parley.Gateway.Chat;

/// <summary>The best candidates of one step with their probability after every sampling stage.</summary>
internal sealed record TokenTrace(IReadOnlyList<TokenTrace.Candidate> Candidates)
{
    internal sealed record Candidate(uint Id, float Logit, IReadOnlyList<Stage> Stages);

    internal readonly record struct Stage(string Name, float Probability);
}
