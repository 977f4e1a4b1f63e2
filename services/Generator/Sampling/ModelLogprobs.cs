using System.Numerics.Tensors;
using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>Log-probabilities under the model's own logits.</summary>
internal static class ModelLogprobs
{
    /// <summary>Judges a token of the prompt.</summary>
    /// <param name="logits">The row behind the tokens before it [vocabulary].</param>
    /// <param name="id">The token.</param>
    /// <param name="topCount">Most likely tokens to list.</param>
    /// <exception cref="SamplingException">The logits are not numbers.</exception>
    public static PromptTokenDetail Judge(ReadOnlySpan<float> logits, uint id, int topCount)
    {
        if (!float.IsFinite(TensorPrimitives.Max(logits)))
            throw new SamplingException(FailureReason.ModelFault, "The model gave no numbers for a token of the prompt.");
        var normalizer = CandidateFilters.LogSumExp(logits);
        var (own, rank) = (logits[(int)id], 1);
        for (var other = 0; other < logits.Length; other++)
        {
            if (logits[other] > own || (logits[other] == own && other < id))
                rank++;
        }

        return new PromptTokenDetail(Logprob(own, normalizer), rank, Top(logits, normalizer, topCount));
    }

    /// <summary>The most likely tokens, best first; what the model rules out is not among them, however many are asked for.</summary>
    /// <param name="logits">A row [vocabulary].</param>
    /// <param name="normalizer">Logarithm of the sum of its exponentials.</param>
    /// <param name="count">How many.</param>
    public static TokenLogprob[] Top(ReadOnlySpan<float> logits, float normalizer, int count)
    {
        Span<int> best = stackalloc int[Math.Min(count, logits.Length)];
        TopSelector.Best(logits, best);
        while (best.Length > 0 && float.IsNegativeInfinity(logits[best[^1]]))
            best = best[..^1];
        var top = new TokenLogprob[best.Length];
        for (var i = 0; i < best.Length; i++)
            top[i] = new TokenLogprob(best[i], Logprob(logits[best[i]], normalizer));
        return top;
    }

    private static float Logprob(float logit, float normalizer) => MathF.Max(logit - normalizer, -float.MaxValue);
}
