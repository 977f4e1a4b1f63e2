using System.Numerics;

namespace Parley.Generator.Sampling;

/// <summary>
/// The stages before temperature: pure functions over a row of logits, each as <c>transformers</c> defines it. Where a result is beyond
/// single precision it stays at the largest finite number: only a ban rules a token out, and no number makes one infinitely good.
/// </summary>
internal static class LogitStages
{
    public static void Bias(Span<float> scores, IReadOnlyList<KeyValuePair<int, float>> bias)
    {
        foreach (var (id, value) in bias)
            scores[id] = Bounded(scores[id], scores[id] + value, value);
    }

    /// <summary>Positive scores of tokens that stand in prompt or answer are divided by the penalty, negative ones multiplied.</summary>
    public static void RepetitionPenalty(Span<float> scores, TokenCounts counts, float penalty)
    {
        foreach (var (id, _) in counts)
        {
            ref var score = ref scores[(int)id];
            score = RepetitionPenalised(score, penalty);
        }
    }

    /// <summary>OpenAI's penalties: of tokens that stand in the answer, once and per occurrence.</summary>
    public static void AnswerPenalties(Span<float> scores, TokenCounts counts, float presence, float frequency)
    {
        foreach (var (id, count) in counts)
        {
            if (count > 0)
                scores[(int)id] = Penalised(scores[(int)id], presence, frequency, count);
        }
    }

    /// <summary>Rules out every token that would make the last <paramref name="size"/> tokens a run that stood before.</summary>
    public static void NoRepeatNgram(Span<float> scores, ReadOnlySpan<uint> tokens, int size)
    {
        if (tokens.Length < size)
            return;
        var prefix = tokens[^(size - 1)..];
        for (var start = 0; start + size <= tokens.Length; start++)
        {
            if (tokens.Slice(start, size - 1).SequenceEqual(prefix))
                scores[(int)tokens[start + size - 1]] = float.NegativeInfinity;
        }
    }

    /// <summary>Leaves one id, whatever was made of it.</summary>
    public static void Choose(Span<float> scores, int id)
    {
        scores.Fill(float.NegativeInfinity);
        scores[id] = 0;
    }

    public static void Ban(Span<float> scores, ReadOnlySpan<uint> ids)
    {
        foreach (var id in ids)
            scores[(int)id] = float.NegativeInfinity;
    }

    public static void Ban(Span<float> scores, IReadOnlyList<int> ids)
    {
        foreach (var id in ids)
            scores[id] = float.NegativeInfinity;
    }

    /// <summary>Rules out every token whose bit is not set.</summary>
    /// <param name="scores">Scores [vocabulary].</param>
    /// <param name="mask">Bit id % 32 of word id / 32.</param>
    public static void Mask(Span<float> scores, ReadOnlySpan<uint> mask)
    {
        for (var word = 0; word < mask.Length; word++)
        {
            var part = scores.Slice(word * 32, Math.Min(32, scores.Length - (word * 32)));
            if (mask[word] == 0)
            {
                part.Fill(float.NegativeInfinity);
                continue;
            }

            for (var barred = ~mask[word]; barred != 0; barred &= barred - 1)
            {
                if (BitOperations.TrailingZeroCount(barred) is var bit && bit < part.Length)
                    part[bit] = float.NegativeInfinity;
            }
        }
    }

    /// <summary>Leaves the listed tokens only, all equally good.</summary>
    public static void Force(Span<float> scores, IReadOnlyList<int> ids)
    {
        scores.Fill(float.NegativeInfinity);
        foreach (var id in ids)
            scores[id] = 0;
    }

    /// <summary>Rules out every token that is not listed.</summary>
    /// <param name="scores">Scores [vocabulary].</param>
    /// <param name="ids">Ascending, no id twice.</param>
    public static void AllowOnly(Span<float> scores, IReadOnlyList<int> ids)
    {
        var next = 0;
        foreach (var id in ids)
        {
            scores[next..id].Fill(float.NegativeInfinity);
            next = id + 1;
        }

        scores[next..].Fill(float.NegativeInfinity);
    }

    /// <summary>A score after the repetition penalty.</summary>
    public static float RepetitionPenalised(float score, float penalty) =>
        Bounded(score, score < 0 ? score * penalty : score / penalty, score);

    /// <summary>A score after the penalties for a token that stands this often.</summary>
    public static float Penalised(float score, float presence, float frequency, int count)
    {
        var result = score - (presence + (frequency * count));
        if (!float.IsFinite(score))
            return score;
        return float.IsFinite(result)
            ? result
            : (float)Math.Clamp(score - (presence + ((double)frequency * count)), -float.MaxValue, float.MaxValue);
    }

    /// <summary>A stage's result; where that is too large for a number, the largest one of the change's sign. A ban stays one.</summary>
    public static float Bounded(float score, float result, float change) =>
        !float.IsFinite(score) ? score : float.IsFinite(result) ? result : change < 0 ? -float.MaxValue : float.MaxValue;
}
