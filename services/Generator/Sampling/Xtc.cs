using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>
/// XTC, "exclude top choices", as llama.cpp's sampler <c>xtc</c>: of the tokens whose probability reaches the threshold only the least
/// likely stays, where there are several; among equals the one with the highest id. Last of the filters, as in text-generation-webui.
/// </summary>
internal static class Xtc
{
    /// <summary>Where its chance is drawn from, beside the one of the draw itself.</summary>
    private const uint Stream = 1;

    /// <summary>Whether it is this token's turn.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="seed">Key of the sequence.</param>
    /// <param name="position">Place in the answer.</param>
    public static bool IsDue(XtcSettings settings, ulong seed, int position) =>
        SamplingRandom.NextUniform(seed, position, Stream) < settings.Probability;

    public static void Apply(CandidateSet candidates, XtcSettings settings)
    {
        var probabilities = candidates.Softmax();
        var (least, likely) = (-1, 0);
        for (var i = 0; i < probabilities.Length; i++)
        {
            if (probabilities[i] < settings.Threshold)
                continue;
            likely++;
            if (least < 0 || probabilities[i] <= probabilities[least])
                least = i;
        }

        if (likely < 2)
            return;
        var keep = candidates.Marks;
        for (var i = 0; i < keep.Length; i++)
            keep[i] = i == least || probabilities[i] < settings.Threshold;
        candidates.Cut(keep);
    }
}
