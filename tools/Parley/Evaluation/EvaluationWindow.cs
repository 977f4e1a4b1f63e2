namespace Parley.Cli.Evaluation;

/// <summary>A run of ids that a model reads at once.</summary>
/// <param name="Ids">Prefix and text.</param>
/// <param name="FirstScored">Index of the first id whose probability counts; all after it count too. At least 1.</param>
internal sealed record EvaluationWindow(uint[] Ids, int FirstScored)
{
    public int ScoredTokens => Ids.Length - FirstScored;
}
