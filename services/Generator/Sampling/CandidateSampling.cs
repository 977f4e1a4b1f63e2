using System.Numerics.Tensors;
using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>
/// When the best logits of a row decide like all of them, bit for bit: nothing changes single logits or wants to know them all, and a top-k
/// (or the best one) is cut out of the candidates with room to spare, so that whatever ties with the last one is among them.
/// </summary>
internal sealed class CandidateSampling
{
    /// <summary>Below it quotients overflow, and then all that did are equal.</summary>
    private const float TemperatureMin = 1e-4f;

    private float[] _scores = [];
    private int[] _ids = [];

    /// <summary>Logits of what is left, ids ascending; valid until the next call.</summary>
    public ReadOnlySpan<float> Scores => _scores.AsSpan(0, Count);

    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    private int Count { get; set; }

    /// <summary>How many of the best logits decide, as far as a request's settings say; 0 where all do.</summary>
    public static int LogitBest(SamplingParameters parameters) =>
        parameters.Logprobs || parameters.TraceCandidates > 0 ? 0
        : !parameters.Sample ? 1
        : parameters.Processors is { ReadsAllLogits: true } ? 0
        : parameters.Temperature >= TemperatureMin ? parameters.TopK : 0;

    /// <summary>Whether so many candidates of a row decide like all of its logits: one more than count, to see a tie.</summary>
    /// <param name="logitBest">How many of the best logits count, 0 for all.</param>
    /// <param name="candidates">Candidates of a row.</param>
    public static bool Suffices(int logitBest, int candidates) => logitBest > 0 && logitBest < candidates;

    /// <summary>Cuts the top-k out of a row's candidates, after temperature.</summary>
    /// <param name="logits">The best logits, best first.</param>
    /// <param name="ids">Their ids.</param>
    /// <param name="parameters">The settings.</param>
    /// <returns>False where a token that is no candidate might tie with the last that counts.</returns>
    public bool TryCut(ReadOnlySpan<float> logits, ReadOnlySpan<long> ids, SamplingParameters parameters)
    {
        if (_scores.Length < logits.Length)
            (_scores, _ids) = (new float[logits.Length], new int[logits.Length]);
        var scores = _scores.AsSpan(0, logits.Length);
        // As the sampler does it: equal scores may come of unequal logits.
        if (parameters.Sample && parameters.Temperature != 1)
            TensorPrimitives.Divide(logits, parameters.Temperature, scores);
        else
            logits.CopyTo(scores);
        var threshold = scores[parameters.Sample ? parameters.TopK - 1 : 0];
        if (!(threshold > scores[^1]) || !float.IsFinite(scores[0]))
            return false;
        var count = 0;
        while (scores[count] >= threshold)
        {
            _ids[count] = (int)ids[count];
            count++;
        }

        Count = count;
        Array.Sort(_ids, _scores, 0, count);
        return true;
    }
}
