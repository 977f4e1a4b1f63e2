using System.Numerics.Tensors;

namespace Parley.Generator.Sampling;

/// <summary>
/// Leaves what is within n standard deviations of the best logit (Tang et al., "Top-nσ: not all logits are you need", 2024), as llama.cpp's
/// sampler <c>top-n-sigma</c>: over the tokens that are not ruled out. A temperature changes nothing about it.
/// </summary>
internal static class TopNSigma
{
    public static void Apply(Span<float> scores, float n)
    {
        var (sum, count) = (0.0, 0);
        foreach (var score in scores)
        {
            if (float.IsNegativeInfinity(score))
                continue;
            sum += score;
            count++;
        }

        if (count <= 1)
            return;
        var (mean, squares) = (sum / count, 0.0);
        foreach (var score in scores)
        {
            if (!float.IsNegativeInfinity(score))
                squares += (score - mean) * (score - mean);
        }

        var least = (float)(TensorPrimitives.Max<float>(scores) - (n * Math.Sqrt(squares / count)));
        for (var id = 0; id < scores.Length; id++)
        {
            if (scores[id] < least)
                scores[id] = float.NegativeInfinity;
        }
    }
}
