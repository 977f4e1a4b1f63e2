using System.Numerics.Tensors;

namespace Parley.Generator.Sampling;

/// <summary>
/// Truncation by a least probability (Hewitt et al., "Truncation sampling as language model desmoothing", 2022), as transformers 5.23 has
/// it: a fixed one (<c>EpsilonLogitsWarper</c>), or one that falls with the entropy (<c>EtaLogitsWarper</c>). The best stays.
/// </summary>
internal static class ProbabilityCutoffs
{
    public static void Epsilon(CandidateSet candidates, float epsilon) => Cut(candidates, candidates.Softmax(), epsilon);

    public static void Eta(CandidateSet candidates, float epsilon)
    {
        var probabilities = candidates.Softmax();
        var entropy = (float)Entropy(candidates.Scores, CandidateFilters.LogSumExp(candidates.Scores));
        Cut(candidates, probabilities, Math.Min(epsilon, MathF.Sqrt(epsilon) * MathF.Exp(-entropy)));
    }

    private static void Cut(CandidateSet candidates, ReadOnlySpan<float> probabilities, float least)
    {
        var best = TensorPrimitives.Max(candidates.Scores);
        var keep = candidates.Marks;
        for (var i = 0; i < keep.Length; i++)
            keep[i] = probabilities[i] >= least || candidates.Scores[i] >= best;
        candidates.Cut(keep);
    }

    private static double Entropy(ReadOnlySpan<float> scores, float logNormalizer)
    {
        var entropy = 0.0;
        foreach (var score in scores)
        {
            var logProbability = score - logNormalizer;
            entropy -= Math.Exp(logProbability) * logProbability;
        }

        return entropy;
    }
}
