using System.Numerics.Tensors;

namespace Parley.Generator.Sampling;

/// <summary>
/// The stages after temperature: each cuts a candidate set as the warper of <c>transformers</c> with its name does, ties and rounding
/// included, but without its sort. At least one candidate stays. Buffers are sized once.
/// </summary>
internal sealed class CandidateFilters(int vocabularySize)
{
    private readonly MassCut _massCut = new(vocabularySize);
    private readonly bool[] _keep = new bool[vocabularySize];
    private readonly float[] _keys = new float[vocabularySize];
    private readonly float[] _heap = new float[vocabularySize];

    /// <summary>The score of the k-th best; every score below it goes, so that ties with it stay.</summary>
    public float TopKThreshold(ReadOnlySpan<float> scores, int k) =>
        k <= 0 || k >= scores.Length ? float.NegativeInfinity : TopSelector.NthBest(scores, _heap.AsSpan(0, k));

    /// <summary>The same for a row whose blocks are known.</summary>
    public float TopKThreshold(ReadOnlySpan<float> scores, ScoreBlocks blocks, int k) =>
        k <= 0 || k >= scores.Length ? float.NegativeInfinity : blocks.NthBest(scores, _heap.AsSpan(0, k));

    /// <summary>Top-k of what another filter has left already.</summary>
    public void TopK(CandidateSet candidates, int k)
    {
        var scores = candidates.Scores;
        var threshold = TopKThreshold(scores, k);
        for (var i = 0; i < scores.Length; i++)
            _keep[i] = scores[i] >= threshold;
        candidates.Cut(_keep);
    }

    /// <summary>The smallest set with at least mass p: in ascending order goes what sums up to 1 − p at most.</summary>
    public void TopP(CandidateSet candidates, float p)
    {
        var probabilities = candidates.Softmax();
        var scores = candidates.Scores;
        var first = _massCut.Find(scores, probabilities, (float)(1 - (double)p), mayEqual: true);

        // 1 − p ≥ 1 would remove the best as well: it stays.
        var firstKept = scores[first];
        for (var i = 0; i < scores.Length; i++)
            _keep[i] = scores[i] > firstKept || (scores[i] == firstKept && i >= first);
        candidates.Cut(_keep);
    }

    /// <summary>What has at least p times the probability of the best.</summary>
    public void MinP(CandidateSet candidates, float p)
    {
        var probabilities = candidates.Softmax();
        var least = p * TensorPrimitives.Max(probabilities);
        for (var i = 0; i < probabilities.Length; i++)
            _keep[i] = probabilities[i] >= least;
        candidates.Cut(_keep);
    }

    /// <summary>Locally typical sampling: what is nearest to the expected information, up to mass p.</summary>
    public void TypicalP(CandidateSet candidates, float p)
    {
        var probabilities = candidates.Softmax();
        var scores = candidates.Scores;
        var keys = _keys.AsSpan(0, scores.Length);
        var logNormalizer = LogSumExp(scores);
        var entropy = 0.0;
        for (var i = 0; i < scores.Length; i++)
        {
            keys[i] = scores[i] - logNormalizer;

            // 0 × −∞ would be no number; what has no probability has no part in it.
            if (MathF.Exp(keys[i]) is > 0 and var probability)
                entropy -= (double)keys[i] * probability;
        }

        for (var i = 0; i < keys.Length; i++)
            keys[i] = MathF.Abs(-keys[i] - (float)entropy);
        var last = keys[_massCut.Find(keys, probabilities, p, mayEqual: false)];
        for (var i = 0; i < keys.Length; i++)
            _keep[i] = keys[i] <= last;
        candidates.Cut(_keep);
    }

    /// <summary>Logarithm of the sum of exponentials, the maximum taken off first.</summary>
    public static float LogSumExp(ReadOnlySpan<float> scores)
    {
        var max = TensorPrimitives.Max(scores);
        var sum = 0.0;
        foreach (var score in scores)
            sum += MathF.Exp(score - max);
        return max + (float)Math.Log(sum);
    }
}
