using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>What of one answer has been told on, so that another Generator can go on with it and nothing is told twice.</summary>
internal sealed class GenerationProgress(ulong? seed)
{
    private readonly List<uint> _ids = [];
    private bool _guideTold;
    private bool _promptTold;
    private uint _judged;
    private uint _cachedTokens;

    /// <summary>Ids of the answer that were told.</summary>
    public IReadOnlyList<uint> Ids => _ids;

    /// <summary>The seed of the draws: the request's, or the one that the first Generator drew; null where nothing is drawn.</summary>
    public ulong? Seed { get; private set; } = seed;

    /// <summary>The last event was told.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What of an event is new; null if nothing is.</summary>
    public GenerationEvent? Take(GenerationEvent happened)
    {
        switch (happened)
        {
            case GenerationEvent.Guide when !_guideTold:
                _guideTold = true;
                return happened;
            case GenerationEvent.Prompt prompt when !_promptTold:
                _promptTold = true;
                _cachedTokens = prompt.CachedTokens;
                Seed ??= prompt.Seed;
                return happened;
            case GenerationEvent.Progress when _ids.Count == 0:
                return happened;
            case GenerationEvent.PromptLogprobs judged:
                return New(judged);
            case GenerationEvent.Tokens tokens:
                _ids.AddRange(tokens.Ids);
                return tokens;
            case GenerationEvent.Finished finished:
                IsOver = true;
                return finished;
            default:
                return null;
        }
    }

    /// <summary>
    /// The end of an answer whose every token was told and whose last event was lost; null where there is more to come.
    /// </summary>
    public GenerationEvent.Finished? End(ChatRequest request, int promptTokens, GeneratorDescription description)
    {
        if (_ids.Count == 0)
            return null;
        var sampling = request.Sampling.Over(description.DefaultSampling);
        var last = _ids[^1];
        if (sampling.StopTokenIds.Contains(last) || (sampling.IgnoreEos != true && description.EosTokenIds.Contains(last)))
            return Finished(ChatFinishReason.Stop, last);
        var most = Math.Min(sampling.MaxTokens ?? uint.MaxValue, description.CompletionTokensMax);
        return _ids.Count >= most || promptTokens + _ids.Count >= description.ContextTokensMax
            ? Finished(ChatFinishReason.Length, null)
            : null;
    }

    private GenerationEvent.Finished Finished(ChatFinishReason reason, uint? stopTokenId)
    {
        IsOver = true;
        return new GenerationEvent.Finished(
            reason, stopTokenId, (uint)_ids.Count, _cachedTokens, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, Seed ?? 0);
    }

    /// <summary>A prompt that is judged anew is judged from its beginning.</summary>
    private GenerationEvent.PromptLogprobs? New(GenerationEvent.PromptLogprobs judged)
    {
        var end = judged.Start + (uint)judged.Judged.Count;
        var told = Math.Max(_judged, judged.Start);
        if (end <= told)
            return null;
        _judged = end;
        return told == judged.Start
            ? judged
            : new GenerationEvent.PromptLogprobs(told, [.. judged.Judged.Skip((int)(told - judged.Start))]);
    }
}
