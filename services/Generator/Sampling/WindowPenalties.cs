using System.Runtime.InteropServices;

namespace Parley.Generator.Sampling;

/// <summary>
/// The three penalties over the last tokens of prompt and answer, as llama.cpp's sampler <c>penalties</c> has them: each counts what stands
/// in the window, so the window's tokens are all that they need of the past.
/// </summary>
internal sealed class WindowPenalties
{
    private readonly Dictionary<uint, int> _counts = [];

    public void Apply(Span<float> scores, ReadOnlySpan<uint> tokens, int lastTokens, float repetition, float presence, float frequency)
    {
        _counts.Clear();
        foreach (var id in tokens[^Math.Min(lastTokens, tokens.Length)..])
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, id, out _)++;
        foreach (var (id, count) in _counts)
        {
            ref var score = ref scores[(int)id];
            score = LogitStages.Penalised(LogitStages.RepetitionPenalised(score, repetition), presence, frequency, count);
        }
    }
}
