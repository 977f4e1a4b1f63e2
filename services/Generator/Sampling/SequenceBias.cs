using System.Runtime.InteropServices;
using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>
/// Adds a run's bias to its last token where the run's others are what stands last: <c>SequenceBiasLogitsProcessor</c> of transformers
/// 5.23, which adds up the biases of a token before it adds them to its logit.
/// </summary>
internal sealed class SequenceBias
{
    private readonly Dictionary<uint, float> _sums = [];

    public void Apply(Span<float> scores, IReadOnlyList<TokenRunBias> biases, ReadOnlySpan<uint> tokens)
    {
        _sums.Clear();
        foreach (var (ids, bias) in biases)
        {
            if (IsAtItsLast(ids, tokens))
                CollectionsMarshal.GetValueRefOrAddDefault(_sums, ids[^1], out _) += bias;
        }

        foreach (var (id, bias) in _sums)
        {
            ref var score = ref scores[(int)id];
            score = float.IsNegativeInfinity(bias) ? bias : LogitStages.Bounded(score, score + bias, bias);
        }
    }

    /// <summary>Whether the tokens end with all of a run but its last.</summary>
    /// <param name="run">At least one id.</param>
    /// <param name="tokens">Prompt and answer.</param>
    public static bool IsAtItsLast(IReadOnlyList<uint> run, ReadOnlySpan<uint> tokens)
    {
        if (run.Count > tokens.Length + 1)
            return false;
        for (var i = 1; i < run.Count; i++)
        {
            if (tokens[^i] != run[run.Count - 1 - i])
                return false;
        }

        return true;
    }
}
