using System.Numerics.Tensors;

namespace Parley.Generator.Sampling;

/// <summary>
/// Watches the best candidates of one step through the stages, for the inspector. Which token will be chosen is not known before the
/// end, so the whole row's probabilities are kept per stage; it costs, and only requests that ask for it pay.
/// </summary>
internal sealed class SamplingTrace(int vocabularySize)
{
    private readonly List<(string Stage, float[] Probabilities)> _stages = [];
    private readonly Stack<float[]> _spare = new();
    private int[] _best = [];
    private float[] _logits = [];
    private bool _on;

    public bool IsOn => _on;

    public void Begin(ReadOnlySpan<float> logits, int candidates)
    {
        Stop();
        _on = true;
        _best = new int[Math.Min(candidates, logits.Length)];
        TopSelector.Best(logits, _best);
        if (_logits.Length == 0)
            _logits = new float[vocabularySize];
        logits.CopyTo(_logits);
        Record("logits", logits);
    }

    public void Stop()
    {
        _on = false;
        foreach (var (_, probabilities) in _stages)
            _spare.Push(probabilities);
        _stages.Clear();
    }

    /// <summary>Notes a stage that left scores for all tokens.</summary>
    public void Record(string stage, ReadOnlySpan<float> scores)
    {
        if (!_on)
            return;
        var probabilities = Rent(stage);
        if (float.IsNegativeInfinity(TensorPrimitives.Max(scores)))
            Array.Clear(probabilities);
        else
            CandidateSet.SoftmaxOf(scores, probabilities);
    }

    /// <summary>Notes a stage that cut the candidates.</summary>
    public void Record(string stage, CandidateSet candidates)
    {
        if (!_on)
            return;
        var probabilities = Rent(stage);
        Array.Clear(probabilities);
        var kept = candidates.Softmax();
        for (var i = 0; i < kept.Length; i++)
            probabilities[candidates.Ids[i]] = kept[i];
    }

    /// <summary>The best candidates by the model's logits, best first; the chosen one last where it is not among them.</summary>
    public IReadOnlyList<TraceCandidate> End(int chosen)
    {
        int[] ids = Array.IndexOf(_best, chosen) >= 0 ? _best : [.. _best, chosen];
        return [.. ids.Select(id => new TraceCandidate(
            id, _logits[id], [.. _stages.Select(stage => KeyValuePair.Create(stage.Stage, stage.Probabilities[id]))]))];
    }

    private float[] Rent(string stage)
    {
        var probabilities = _spare.TryPop(out var spare) ? spare : new float[vocabularySize];
        _stages.Add((stage, probabilities));
        return probabilities;
    }
}
