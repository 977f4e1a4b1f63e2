using System.Numerics.Tensors;
using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>
/// Chooses the next token of a sequence from a row of logits. The order of the stages is that of <c>transformers</c>, with those of other
/// engines where these have them, and is this file: logit, sequence bias → encoder repetition, repetition, presence and frequency penalty
/// → DRY → no-repeat n-gram → bad words → min tokens → forced ids → length decay → allowed and banned ids → guide → spent reasoning budget
/// → top-n-sigma → temperature → top-h → top-k → top-p → min-p → typical → epsilon → eta → XTC → draw; mirostat stands for all between
/// temperature and draw. All arithmetic is fp32, and whatever the settings it ends with at least one candidate: a temperature so low that
/// quotients overflow is its limit, the greedy token. The draw is keyed by seed and place in the answer.
/// </summary>
/// <remarks>
/// Used by one thread; buffers are as large as the vocabulary and made once. Log-probabilities, where asked for, are those of the
/// model's own logits before any stage, so they say what the model thought and not what the request's settings made of it.
/// </remarks>
/// <param name="vocabularySize">Logits of a row.</param>
/// <param name="eosTokenIds">The model's end-of-sequence ids, out until the answer has MinTokens.</param>
internal sealed class Sampler(int vocabularySize, IReadOnlyCollection<uint> eosTokenIds)
{
    /// <summary>Below it no two logits that differ share any probability, so nothing is drawn: the greedy token, ties included.</summary>
    private const float DrawTemperatureMin = 1e-30f;

    /// <summary>Above it many neighbours have one quotient, and to look for the first of them is no shortcut.</summary>
    private const float ShortcutTemperatureMax = 1000;

    private readonly float[] _scores = new float[vocabularySize];
    private readonly ScoreBlocks _blocks = new(vocabularySize);
    private readonly CandidateSet _candidates = new(vocabularySize);
    private readonly CandidateFilters _filters = new(vocabularySize);
    private readonly SamplingTrace _trace = new(vocabularySize);
    private readonly CandidateSampling _sampling = new();
    private readonly SequenceBias _sequenceBias = new();
    private readonly EncoderRepetitionPenalty _encoderRepetition = new();
    private readonly WindowPenalties _windowPenalties = new();
    private readonly DryPenalty _dry = new();
    private readonly int[] _eosTokenIds = [.. eosTokenIds.Select(id => (int)id)];

    public int VocabularySize => vocabularySize;

    /// <summary>The last set drawn from: what the filters left, with <see cref="CandidateSet.Softmax"/>.</summary>
    internal CandidateSet Candidates => _candidates;

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">The model's logits [vocabulary]; not changed.</param>
    /// <param name="sequence">Whose token; its tokens so far are read.</param>
    /// <param name="detail">What the request asked to know about it, or null.</param>
    /// <param name="mask">Ids that the sequence's guide allows, bit id % 32 of word id / 32; empty for a sequence without one.</param>
    /// <exception cref="SamplingException">The logits are not numbers, or the request's settings rule out every token.</exception>
    public uint Sample(ReadOnlySpan<float> logits, Sequence sequence, out TokenDetail? detail, ReadOnlySpan<uint> mask = default)
    {
        var parameters = sequence.Parameters;
        _blocks.Read(logits);
        CheckModel(_blocks.Best, sequence);
        var traced = parameters.TraceCandidates > 0;
        if (traced)
            _trace.Begin(logits, parameters.TraceCandidates);
        else
            _trace.Stop();

        var scores = logits;
        if (NeedsScores(sequence))
        {
            scores = ApplyLogitStages(logits, sequence, mask);
            _blocks.Read(scores);
            CheckSettings(_blocks.Best, sequence);
        }

        var chosen = parameters.Sample ? Draw(scores, sequence) : _blocks.IndexOfBest(scores);
        detail = parameters.Logprobs || traced ? Describe(logits, chosen, parameters) : null;
        return (uint)chosen;
    }

    /// <summary>How many of a row's best logits, with what ties with the last of them, decide the next token; 0 where all do.</summary>
    public static int LogitBest(Sequence sequence) =>
        sequence.IsJudging || NeedsScores(sequence) ? 0 : CandidateSampling.LogitBest(sequence.Parameters);

    /// <summary>Chooses a token from a row's best logits, the same that all of them give.</summary>
    /// <param name="logits">The best, best first; finite, as the whole row is.</param>
    /// <param name="ids">Their ids.</param>
    /// <param name="sequence">Whose token.</param>
    /// <param name="id">The token.</param>
    /// <returns>False where only the whole row can tell.</returns>
    public bool TrySample(ReadOnlySpan<float> logits, ReadOnlySpan<long> ids, Sequence sequence, out uint id)
    {
        id = 0;
        var parameters = sequence.Parameters;
        if (!CandidateSampling.Suffices(LogitBest(sequence), logits.Length) || !_sampling.TryCut(logits, ids, parameters))
            return false;
        if (!parameters.Sample)
        {
            id = (uint)_sampling.Ids[0];
            return true;
        }

        _trace.Stop();
        _candidates.Fill(_sampling.Ids, _sampling.Scores);
        Cut(parameters, sequence.AnswerLength);
        id = (uint)DrawCandidate(sequence);
        return true;
    }

    private static bool NeedsScores(Sequence sequence) => sequence.Parameters is var parameters
        && (parameters.HasPenalties || parameters.LogitBias.Count > 0 || parameters.NoRepeatNgramSize > 0
            || sequence.AnswerLength < parameters.MinTokens || parameters.AllowedTokenIds.Count > 0 || parameters.BannedTokenIds.Count > 0
            || parameters.RunBias.Count > 0 || parameters.BadRuns.Count > 0 || parameters.Processors is { ChangesLogits: true }
            || (sequence.AnswerLength == 0 && parameters.BeginBannedTokenIds.Count > 0)
            || Forced(sequence).Count > 0 || sequence.Guide is not null || sequence.Reasoning is { ForcedId: not null });

    /// <summary>What the model wants first or last in any case; a guide says what stands where, and knows of no such token.</summary>
    private static IReadOnlyList<int> Forced(Sequence sequence) =>
        sequence.Guide is not null ? []
        : sequence.AnswerLength == 0 && sequence.Parameters.ForcedFirstTokenIds.Count > 0 ? sequence.Parameters.ForcedFirstTokenIds
        : sequence.AnswerLength == sequence.Parameters.MaxTokens - 1 ? sequence.Parameters.ForcedLastTokenIds
        : [];

    private Span<float> ApplyLogitStages(ReadOnlySpan<float> logits, Sequence sequence, ReadOnlySpan<uint> mask)
    {
        var parameters = sequence.Parameters;
        var scores = _scores.AsSpan();
        logits.CopyTo(scores);
        if (parameters.LogitBias.Count > 0)
        {
            LogitStages.Bias(scores, parameters.LogitBias);
            _trace.Record("logit_bias", scores);
        }

        if (parameters.RunBias.Count > 0)
        {
            _sequenceBias.Apply(scores, parameters.RunBias, sequence.Tokens);
            _trace.Record("sequence_bias", scores);
        }

        ApplyPenalties(scores, sequence);
        if (parameters.NoRepeatNgramSize > 0)
        {
            LogitStages.NoRepeatNgram(scores, sequence.Tokens, parameters.NoRepeatNgramSize);
            _trace.Record("no_repeat_ngram", scores);
        }

        if (parameters.BadRuns.Count > 0)
        {
            BadWords.Apply(scores, parameters.BadRuns, sequence.Tokens);
            _trace.Record("bad_words", scores);
        }

        if (sequence.AnswerLength < parameters.MinTokens)
        {
            // Where an eos id ends nothing there is nothing to hold back.
            if (!parameters.IgnoreEos)
                LogitStages.Ban(scores, _eosTokenIds);
            LogitStages.Ban(scores, parameters.StopTokenIds.Items.AsSpan());
            _trace.Record("min_tokens", scores);
        }

        if (Forced(sequence) is { Count: > 0 } forced)
        {
            LogitStages.Force(scores, forced);
            _trace.Record("forced_tokens", scores);
        }

        if (parameters.Processors?.LengthDecay is { } decay)
        {
            LengthDecay.Apply(scores, _eosTokenIds, sequence.AnswerLength, decay);
            _trace.Record("length_decay", scores);
        }

        ApplyBans(scores, sequence);
        ApplyGuide(scores, sequence, mask);
        if (parameters.Processors is { TopNSigma: > 0 and var sigmas })
        {
            TopNSigma.Apply(scores, sigmas);
            _trace.Record("top_n_sigma", scores);
        }

        return scores;
    }

    /// <summary>What the answer has to be: its guide, and the end of a reasoning whose budget is spent.</summary>
    private void ApplyGuide(Span<float> scores, Sequence sequence, ReadOnlySpan<uint> mask)
    {
        if (!mask.IsEmpty)
        {
            LogitStages.Mask(scores, mask);
            _trace.Record("guide", scores);
        }

        if (sequence.Reasoning is { ForcedId: { } closing })
        {
            CheckAllowed(closing, sequence, mask);
            LogitStages.Choose(scores, (int)closing);
            _trace.Record("reasoning_budget", scores);
        }
    }

    /// <summary>What makes a text's own tokens less likely, or more.</summary>
    private void ApplyPenalties(Span<float> scores, Sequence sequence)
    {
        var (parameters, processors) = (sequence.Parameters, sequence.Parameters.Processors);
        if (processors is { EncoderRepetitionPenalty: not 1 and var penalty })
        {
            _encoderRepetition.Apply(scores, sequence.Tokens[..sequence.PromptLength], penalty);
            _trace.Record("encoder_repetition_penalty", scores);
        }

        if (processors is { PenaltyLastTokens: { } lastTokens })
        {
            _windowPenalties.Apply(
                scores, sequence.Tokens, lastTokens, parameters.RepetitionPenalty, parameters.PresencePenalty, parameters.FrequencyPenalty);
            _trace.Record("last_n_penalties", scores);
        }
        else
        {
            ApplyCountedPenalties(scores, sequence);
        }

        if (processors is { Dry: { } dry })
        {
            _dry.Apply(scores, sequence.Tokens, dry);
            _trace.Record("dry", scores);
        }
    }

    private void ApplyCountedPenalties(Span<float> scores, Sequence sequence)
    {
        var parameters = sequence.Parameters;
        if (parameters.RepetitionPenalty != 1)
        {
            LogitStages.RepetitionPenalty(scores, sequence.Counts!, parameters.RepetitionPenalty);
            _trace.Record("repetition_penalty", scores);
        }

        if (parameters.PresencePenalty != 0 || parameters.FrequencyPenalty != 0)
        {
            LogitStages.AnswerPenalties(scores, sequence.Counts!, parameters.PresencePenalty, parameters.FrequencyPenalty);
            _trace.Record("presence_frequency_penalty", scores);
        }
    }

    private void ApplyBans(Span<float> scores, Sequence sequence)
    {
        var parameters = sequence.Parameters;
        if (parameters.AllowedTokenIds.Count > 0)
        {
            LogitStages.AllowOnly(scores, parameters.AllowedTokenIds);
            _trace.Record("allowed_tokens", scores);
        }

        if (parameters.BannedTokenIds.Count > 0)
        {
            LogitStages.Ban(scores, parameters.BannedTokenIds);
            _trace.Record("banned_tokens", scores);
        }

        if (sequence.AnswerLength == 0 && parameters.BeginBannedTokenIds.Count > 0)
        {
            LogitStages.Ban(scores, parameters.BeginBannedTokenIds);
            _trace.Record("begin_banned_tokens", scores);
        }
    }

    private int Draw(ReadOnlySpan<float> scores, Sequence sequence)
    {
        FillCandidates(scores, sequence.Parameters);
        if (sequence.Parameters.Processors is { Mirostat: { } mirostat })
            return DrawMirostat(sequence, mirostat);
        Cut(sequence.Parameters, sequence.AnswerLength);
        return DrawCandidate(sequence);
    }

    private int DrawMirostat(Sequence sequence, MirostatSettings mirostat)
    {
        Mirostat.Cut(_candidates, mirostat, sequence.SurpriseMax, vocabularySize);
        _trace.Record("mirostat", _candidates);
        var chosen = DrawCandidate(sequence);
        sequence.SurpriseMax = Mirostat.Next(mirostat, sequence.SurpriseMax, _candidates.ProbabilityOf(chosen));
        return chosen;
    }

    private int DrawCandidate(Sequence sequence)
    {
        var probabilities = _candidates.Softmax();
        var sum = 0.0;
        foreach (var probability in probabilities)
            sum += probability;
        var mark = SamplingRandom.NextUniform(sequence.Parameters.Seed, sequence.AnswerLength) * sum;
        for (var i = 0; i < probabilities.Length; i++)
        {
            mark -= probabilities[i];
            if (mark < 0)
                return _candidates.Ids[i];
        }

        // Rounding alone can lead here: the last that has any probability.
        var last = probabilities.Length - 1;
        while (last > 0 && probabilities[last] == 0)
            last--;
        return _candidates.Ids[last];
    }

    /// <summary>Temperature and the filters: leaves what may be drawn in <see cref="Candidates"/>.</summary>
    internal void Filter(ReadOnlySpan<float> scores, SamplingParameters parameters)
    {
        _blocks.Read(scores);
        FillCandidates(scores, parameters);
        Cut(parameters, 0);
    }

    private void FillCandidates(ReadOnlySpan<float> scores, SamplingParameters parameters)
    {
        if (parameters.Processors is { DynamicTemperature: { } dynamic })
            parameters = parameters with { Temperature = DynamicTemperature.Of(scores, parameters.Temperature, dynamic) };
        if (parameters.Temperature < DrawTemperatureMin || !float.IsFinite(_blocks.Best / parameters.Temperature))
        {
            // The limit of a temperature towards 0: all there is is the best.
            _candidates.Fill([_blocks.IndexOfBest(scores)], [0]);
            _trace.Record("temperature", _candidates);
        }
        else if (!TryFillBest(scores, parameters))
        {
            FillAll(scores, parameters);
        }
    }

    /// <summary>
    /// Temperature and top-k in the order that costs least: to divide by a temperature does not change who is better, so that only the
    /// best are divided. What is equal to the last of them only after the division stays too, as it would if all were divided.
    /// </summary>
    /// <returns>False when the stages must be taken one by one.</returns>
    private bool TryFillBest(ReadOnlySpan<float> scores, SamplingParameters parameters)
    {
        if (_trace.IsOn || parameters.TopK == 0 || parameters.Temperature > ShortcutTemperatureMax
            || parameters.Processors is { TopH: > 0 })
        {
            return false;
        }

        var threshold = _filters.TopKThreshold(scores, _blocks, parameters.TopK);
        var quotient = threshold / parameters.Temperature;
        if (!float.IsFinite(quotient))
            return false;
        while (float.BitDecrement(threshold) / parameters.Temperature == quotient)
            threshold = float.BitDecrement(threshold);
        _candidates.Fill(scores, _blocks, threshold, parameters.Temperature);
        return true;
    }

    private void FillAll(ReadOnlySpan<float> scores, SamplingParameters parameters)
    {
        var warped = _scores.AsSpan();
        if (parameters.Temperature != 1)
        {
            TensorPrimitives.Divide(scores, parameters.Temperature, warped);
            scores = warped;
            _trace.Record("temperature", scores);
        }

        if (parameters.Processors is { TopH: > 0 and var part })
        {
            _candidates.Fill(scores, float.NegativeInfinity);
            TopH.Apply(_candidates, part);
            _trace.Record("top_h", _candidates);
            _filters.TopK(_candidates, parameters.TopK);
        }
        else
        {
            _candidates.Fill(scores, _filters.TopKThreshold(scores, parameters.TopK));
        }

        if (parameters.TopK > 0)
            _trace.Record("top_k", _candidates);
    }

    /// <summary>The filters behind top-k: they read nothing but what it left.</summary>
    private void Cut(SamplingParameters parameters, int position)
    {
        if (parameters.TopP < 1)
        {
            _filters.TopP(_candidates, parameters.TopP);
            _trace.Record("top_p", _candidates);
        }

        if (parameters.MinP > 0)
        {
            _filters.MinP(_candidates, parameters.MinP);
            _trace.Record("min_p", _candidates);
        }

        if (parameters.TypicalP < 1)
        {
            _filters.TypicalP(_candidates, parameters.TypicalP);
            _trace.Record("typical_p", _candidates);
        }

        if (parameters.Processors is { } processors)
            Cut(processors, parameters.Seed, position);
    }

    /// <summary>The filters that few requests have, in their order.</summary>
    private void Cut(ProcessorSettings processors, ulong seed, int position)
    {
        if (processors.EpsilonCutoff > 0)
        {
            ProbabilityCutoffs.Epsilon(_candidates, processors.EpsilonCutoff);
            _trace.Record("epsilon_cutoff", _candidates);
        }

        if (processors.EtaCutoff > 0)
        {
            ProbabilityCutoffs.Eta(_candidates, processors.EtaCutoff);
            _trace.Record("eta_cutoff", _candidates);
        }

        if (processors.Xtc is { } xtc && Xtc.IsDue(xtc, seed, position))
        {
            Xtc.Apply(_candidates, xtc);
            _trace.Record("xtc", _candidates);
        }
    }

    /// <summary>A NaN anywhere is the maximum, so this one look finds it. Minus infinity is a token that the model rules out.</summary>
    private static void CheckModel(float best, Sequence sequence)
    {
        if (!float.IsFinite(best))
        {
            throw new SamplingException(
                FailureReason.ModelFault,
                $"The model gave no numbers for token {sequence.AnswerLength + 1} of the answer: "
                + (float.IsNegativeInfinity(best) ? "every logit is minus infinity." : "its logits hold NaN or infinity."));
        }
    }

    private static void CheckAllowed(uint closing, Sequence sequence, ReadOnlySpan<uint> mask)
    {
        if (!mask.IsEmpty && (mask[(int)closing >> 5] >> ((int)closing & 31) & 1) == 0)
        {
            throw new SamplingException(
                FailureReason.NothingToChoose,
                $"No id is left for token {sequence.AnswerLength + 1} of the answer: reasoning_budget is spent and asks for {closing}, "
                + $"which the guide behind byte {sequence.Guide?.Position} of the text does not allow.");
        }
    }

    private static void CheckSettings(float best, Sequence sequence)
    {
        if (float.IsNegativeInfinity(best))
        {
            throw new SamplingException(
                FailureReason.NothingToChoose,
                $"No id is left for token {sequence.AnswerLength + 1} of the answer: "
                + $"{string.Join(" and ", Bans(sequence))} rule out all that the model allows.");
        }
    }

    /// <summary>The fields that rule ids out for a sequence's next token.</summary>
    private static IEnumerable<string> Bans(Sequence sequence)
    {
        var parameters = sequence.Parameters;
        if (parameters.NoRepeatNgramSize > 0)
            yield return $"no_repeat_ngram_size {parameters.NoRepeatNgramSize}";
        if (sequence.AnswerLength < parameters.MinTokens)
            yield return $"min_tokens {parameters.MinTokens}";
        if (parameters.BadRuns.Count > 0)
            yield return "bad words";
        if (parameters.RunBias.Any(run => float.IsNegativeInfinity(run.Bias)))
            yield return "sequence_bias";
        if (Forced(sequence).Count > 0)
            yield return "the forced tokens";
        if (parameters.AllowedTokenIds.Count > 0)
            yield return "allowed_token_ids";
        if (parameters.BannedTokenIds.Count > 0)
            yield return "banned_token_ids";
        if (sequence.AnswerLength == 0 && parameters.BeginBannedTokenIds.Count > 0)
            yield return "the model's begin_suppress_tokens";
        if (sequence.Guide is { } guide)
            yield return $"the guide behind byte {guide.Position} of the text";
    }

    private TokenDetail Describe(ReadOnlySpan<float> logits, int chosen, SamplingParameters parameters)
    {
        var trace = parameters.TraceCandidates > 0 ? _trace.End(chosen) : [];
        if (!parameters.Logprobs)
            return new TokenDetail(null, [], trace);
        var normalizer = CandidateFilters.LogSumExp(logits);
        return new TokenDetail(
            logits[chosen] - normalizer, ModelLogprobs.Top(logits, normalizer, parameters.TopLogprobs), trace);
    }
}
