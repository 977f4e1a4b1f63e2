using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>Raises the eos ids the more the longer an answer is: <c>ExponentialDecayLengthPenalty</c> of transformers 5.23.</summary>
internal static class LengthDecay
{
    /// <param name="scores">Scores [vocabulary].</param>
    /// <param name="eosTokenIds">What ends an answer.</param>
    /// <param name="answerLength">Its tokens so far.</param>
    /// <param name="settings">The settings.</param>
    public static void Apply(Span<float> scores, ReadOnlySpan<int> eosTokenIds, int answerLength, LengthDecaySettings settings)
    {
        if (answerLength <= settings.Start)
            return;
        var growth = (float)Math.Clamp(Math.Pow(settings.Factor, answerLength - settings.Start) - 1, -1, float.MaxValue);
        foreach (var id in eosTokenIds)
        {
            ref var score = ref scores[id];
            var change = Math.Abs(score) * growth;
            score = LogitStages.Bounded(score, score + change, change);
        }
    }
}
