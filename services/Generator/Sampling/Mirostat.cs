using System.Numerics.Tensors;
using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>
/// Mirostat (Basu et al., "Mirostat: a neural text decoding algorithm that directly controls perplexity", 2021), both versions, as
/// llama.cpp has them. The bound of a sequence's surprise follows from the probabilities of its past steps, which its tokens alone do not
/// tell.
/// </summary>
internal static class Mirostat
{
    /// <summary>Tokens from which version 1 estimates how fast probabilities fall.</summary>
    private const int EstimatedTokens = 100;

    /// <summary>Cuts what would surprise too much; the best stays.</summary>
    /// <param name="candidates">After temperature.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="surpriseMax">The sequence's bound, in bits.</param>
    /// <param name="vocabularySize">Tokens of the vocabulary.</param>
    public static void Cut(CandidateSet candidates, MirostatSettings settings, float surpriseMax, int vocabularySize)
    {
        if (settings.Version == 1)
            CutBest(candidates, CountFor(candidates, surpriseMax, vocabularySize));
        else
            CutSurprises(candidates, surpriseMax);
    }

    /// <summary>The bound after a token.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="surpriseMax">The bound before it.</param>
    /// <param name="probability">The token's, among the candidates that were left.</param>
    public static float Next(MirostatSettings settings, float surpriseMax, float probability) =>
        surpriseMax - (settings.Eta * (-MathF.Log2(probability) - settings.Tau));

    private static void CutSurprises(CandidateSet candidates, float surpriseMax)
    {
        var probabilities = candidates.Softmax();
        var best = TensorPrimitives.Max(probabilities);
        var keep = candidates.Marks;
        if (-MathF.Log2(best) > surpriseMax)
        {
            // Nothing is likely enough: the best, the lowest id among equals.
            var first = probabilities.IndexOf(best);
            keep.Clear();
            keep[first] = true;
        }
        else
        {
            for (var i = 0; i < keep.Length; i++)
                keep[i] = -MathF.Log2(probabilities[i]) <= surpriseMax;
        }

        candidates.Cut(keep);
    }

    /// <summary>Leaves exactly so many of the best, the lower id first among equals.</summary>
    private static void CutBest(CandidateSet candidates, int count)
    {
        if (count >= candidates.Count)
            return;
        var scores = candidates.Scores;
        var least = TopSelector.NthBest(scores, new float[count]);
        var equalsLeft = count - CountAbove(scores, least);
        var keep = candidates.Marks;
        for (var i = 0; i < keep.Length; i++)
            keep[i] = scores[i] > least || (scores[i] == least && equalsLeft-- > 0);
        candidates.Cut(keep);
    }

    private static int CountAbove(ReadOnlySpan<float> scores, float least)
    {
        var count = 0;
        foreach (var score in scores)
            count += score > least ? 1 : 0;
        return count;
    }

    /// <summary>How many of the best keep the surprise, if probabilities fall as Zipf's law has it.</summary>
    private static int CountFor(CandidateSet candidates, float surpriseMax, int vocabularySize)
    {
        var probabilities = candidates.Softmax();
        Span<int> best = stackalloc int[Math.Min(EstimatedTokens, probabilities.Length)];
        TopSelector.Best(probabilities, best);
        var (products, squares) = (0.0, 0.0);
        for (var i = 0; i + 1 < best.Length && probabilities[best[i + 1]] > 0; i++)
        {
            var step = Math.Log((i + 2.0) / (i + 1.0));
            products += step * Math.Log(probabilities[best[i]] / (double)probabilities[best[i + 1]]);
            squares += step * step;
        }

        // One candidate has no slope.
        if (squares == 0)
            return 1;
        var slope = products / squares;
        var excess = slope - 1;
        var count = Math.Pow(excess * Math.Pow(2, surpriseMax) / (1 - Math.Pow(vocabularySize, -excess)), 1 / slope);

        // No number where the slope is exactly one: the limit is not worth a case, all may stay.
        return double.IsNaN(count) ? candidates.Count : (int)Math.Clamp(count, 1, candidates.Count);
    }
}
