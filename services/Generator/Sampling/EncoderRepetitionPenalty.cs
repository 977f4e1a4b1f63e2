namespace Parley.Generator.Sampling;

/// <summary>
/// The repetition penalty the other way round, over the prompt's tokens: <c>EncoderRepetitionPenaltyLogitsProcessor</c> of transformers
/// 5.23, whose encoder ids are the prompt where a model has no encoder.
/// </summary>
internal sealed class EncoderRepetitionPenalty
{
    private readonly HashSet<uint> _seen = [];

    public void Apply(Span<float> scores, ReadOnlySpan<uint> prompt, float penalty)
    {
        var inverse = (float)(1 / (double)penalty);
        _seen.Clear();
        foreach (var id in prompt)
        {
            if (_seen.Add(id))
                scores[(int)id] = LogitStages.RepetitionPenalised(scores[(int)id], inverse);
        }
    }
}
