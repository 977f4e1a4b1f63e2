namespace Parley.Cli.Evaluation;

/// <summary>The scores of one package, position by position in the order of the text; sums do not depend on the threads.</summary>
internal sealed class PackageScore(int tokens, bool compared)
{
    private readonly double[] _negativeLogLikelihoods = new double[tokens];
    private readonly double[] _divergences = new double[compared ? tokens : 0];
    private readonly bool[] _agreements = new bool[compared ? tokens : 0];

    /// <summary>Notes how improbable the text's id was at a position; from any thread.</summary>
    public void Add(int position, double negativeLogLikelihood) => _negativeLogLikelihoods[position] = negativeLogLikelihood;

    /// <summary>Notes how far the distribution at a position is from the reference's; from any thread.</summary>
    public void Compare(int position, double divergence, bool agreement) =>
        (_divergences[position], _agreements[position]) = (divergence, agreement);

    public EvaluationResult Result(string package, string precision)
    {
        var mean = _negativeLogLikelihoods.Average();
        return new EvaluationResult(package, precision, tokens, mean, Math.Exp(mean), compared ? Divergence() : null);
    }

    private DivergenceResult Divergence()
    {
        var sorted = _divergences.Order().ToArray();
        return new DivergenceResult(
            _divergences.Average(), sorted[(int)(0.99 * (sorted.Length - 1))], sorted[^1],
            _agreements.Count(agreement => agreement) / (double)tokens);
    }
}
