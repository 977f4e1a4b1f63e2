namespace Parley.Generator.Sampling;

/// <summary>
/// Top-H: of the hundred best, as many from the best on as have this part of their entropy, as <c>TopHLogitsWarper</c> of transformers
/// 5.23.
/// </summary>
internal static class TopH
{
    private const int BestMax = 100;

    public static void Apply(CandidateSet candidates, float part)
    {
        var scores = candidates.Scores;
        Span<int> best = stackalloc int[Math.Min(BestMax, scores.Length)];
        TopSelector.Best(scores, best);
        Span<float> logits = stackalloc float[best.Length];
        for (var i = 0; i < best.Length; i++)
            logits[i] = scores[best[i]];
        var logNormalizer = CandidateFilters.LogSumExp(logits);
        Span<double> terms = stackalloc double[best.Length];
        var entropy = 0.0;
        for (var i = 0; i < best.Length; i++)
        {
            var logProbability = logits[i] - logNormalizer;
            terms[i] = -MathF.Exp(logProbability) * (double)logProbability;
            entropy += terms[i];
        }

        var (count, sum) = (0, 0.0);
        while (count < best.Length && MathF.Exp(logits[count] - logNormalizer) > 0
            && (float)(sum += terms[count]) <= (float)(entropy * part))
        {
            count++;
        }

        var keep = candidates.Marks;
        keep.Clear();
        foreach (var index in best[..Math.Max(count, 1)])
            keep[index] = true;
        candidates.Cut(keep);
    }
}
