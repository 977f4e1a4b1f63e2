using Parley.Generator.Adapters;
using Parley.Generator.Guides;
using Parley.Generator.KvCache;
using Parley.Generator.Sampling;
using Parley.Generator.Speculation;
using Parley.Generator.States;
using Parley.Generator.Streaming;

namespace Parley.Generator.Sequences;

/// <summary>
/// One generation: its tokens, how far they are in the cache, and where its tokens go. The engine's thread owns it; others touch only
/// <see cref="Stream"/>, <see cref="Cancel"/> and the two progress figures.
/// </summary>
internal sealed class Sequence
{
    private uint[] _tokens;
    private int _cancelled;
    private int _queuePosition;
    private int _promptTokensDone;
    private int _cachedLengthMax;
    private uint[] _guesses = [];
    private int _guessCount;

    /// <param name="requestId">The caller's id, for logs.</param>
    /// <param name="prompt">Ids of the prompt; at least one.</param>
    /// <param name="resumed">Ids of the answer that another replica delivered already.</param>
    /// <param name="parameters">How to sample.</param>
    /// <param name="stream">Where its tokens go.</param>
    /// <param name="deadline">Time stamp after which nobody waits for it, or <see cref="long.MaxValue"/>.</param>
    public Sequence(
        string requestId, ReadOnlySpan<uint> prompt, ReadOnlySpan<uint> resumed, SamplingParameters parameters, TokenStream stream,
        long deadline = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfZero(prompt.Length);
        RequestId = requestId;
        Parameters = parameters;
        Stream = stream;
        Deadline = deadline;
        PromptLength = prompt.Length;
        ResumedLength = resumed.Length;
        Length = prompt.Length + resumed.Length;
        var spare = Math.Min(parameters.MaxTokens, 256);
        _tokens = new uint[Length + spare];
        prompt.CopyTo(_tokens);
        resumed.CopyTo(_tokens.AsSpan(prompt.Length));
        SurpriseMax = parameters.Processors?.Mirostat?.SurpriseAtStart ?? 0;
        if (parameters.HasPenalties)
            Counts = new TokenCounts(prompt, resumed, spare);
        if (parameters.Reasoning is null)
            return;
        Reasoning = new ReasoningProgress(parameters.Reasoning);
        for (var i = 1; i <= resumed.Length; i++)
            Reasoning.Follow(resumed[..i]);
    }

    public string RequestId { get; }

    public SamplingParameters Parameters { get; }

    public TokenStream Stream { get; }

    public long Deadline { get; }

    /// <summary>What its answer must be, led as far as the answer goes; null for anything. A preemption changes neither.</summary>
    public GuideMatcher? Guide { get; init; }

    /// <summary>What is added to the model for it, held until its end; null for nothing.</summary>
    public AdapterHold? Adapter { get; init; }

    /// <summary>Where its request is traced, what its spans are made of; set before it is queued.</summary>
    public SequenceTrace? Trace { get; set; }

    /// <summary>Place in the order of arrival, set at acceptance; unique.</summary>
    public long Order { get; set; }

    public SequenceStatus Status { get; set; }

    public int PromptLength { get; }

    public int ResumedLength { get; }

    /// <summary>Tokens of prompt and answer.</summary>
    public int Length { get; private set; }

    /// <summary>Tokens of the answer, resumed ones included.</summary>
    public int AnswerLength => Length - PromptLength;

    /// <summary>Leading tokens whose keys and values are in the blocks.</summary>
    public int CachedLength { get; set; }

    /// <summary>Tokens that a step has still to read before the next one can be sampled.</summary>
    public int PendingLength => Length - CachedLength;

    /// <summary>One token behind its end and past its prompt: it delays nobody and somebody waits for it.</summary>
    public bool IsDecoding => PendingLength == 1 && AnswerLength > ResumedLength;

    public BlockTable Blocks { get; } = new();

    /// <summary>What it carries beside its blocks, where the model has states.</summary>
    public SequenceStates States { get; } = new();

    /// <summary>How much to draft, from what became of the drafts so far.</summary>
    public DraftAcceptance Drafting { get; set; }

    /// <summary>The same for drafts of what its guide leaves no choice about.</summary>
    public DraftAcceptance ForcedDrafting { get; set; }

    /// <summary>Guessed tokens behind the last one, in this step.</summary>
    public int DraftLength { get; private set; }

    /// <summary>Who guessed the draft.</summary>
    public DraftOrigin DraftOrigin { get; private set; }

    /// <summary>How much the model's own head is to guess, where it is used.</summary>
    public HeadAcceptance HeadDrafting { get; set; } = HeadAcceptance.Begin;

    /// <summary>What the model's own head has guessed behind the last token.</summary>
    public ReadOnlySpan<uint> Guesses => _guesses.AsSpan(0, _guessCount);

    /// <summary>How often each token stands in prompt and answer; only where a penalty needs it.</summary>
    public TokenCounts? Counts { get; }

    /// <summary>Where its reasoning stands; only where that has a budget.</summary>
    public ReasoningProgress? Reasoning { get; }

    /// <summary>Leading tokens of the prompt that are judged, where that was asked for; of the first one nothing can be said.</summary>
    public int PromptJudged { get; set; } = 1;

    /// <summary>Mirostat's bound for the next token, in bits; a preemption leaves it, since no token is sampled again.</summary>
    public float SurpriseMax { get; set; }

    /// <summary>Prompt tokens that no step had to read for this sequence: found in the cache, or computed for another meanwhile.</summary>
    public int PrefixTokens { get; private set; }

    /// <summary>How many of <see cref="PrefixTokens"/> the engine's totals hold.</summary>
    public int PrefixTokensCounted { get; set; }

    /// <summary>The length that decides how its tokens turn, where the model asks for one (<see cref="SequencePositions"/>).</summary>
    public int RotaryLength { get; set; }

    /// <summary>Leading tokens that another is computing and this sequence waits for; 0 when it waits for nobody.</summary>
    public int SharedLength { get; set; }

    /// <summary>Time stamps: accepted, first planned, first token, stream found full. 0 is not yet.</summary>
    public long AcceptedAt { get; set; }

    public long StartedAt { get; set; }

    public long FirstTokenAt { get; set; }

    public long PausedAt { get; set; }

    /// <summary>1 is next; 0 is running. Any thread may read it.</summary>
    public int QueuePosition
    {
        get => Volatile.Read(ref _queuePosition);
        set => Volatile.Write(ref _queuePosition, value);
    }

    /// <summary>Prompt tokens in the cache. Any thread may read it.</summary>
    public int PromptTokensDone
    {
        get => Volatile.Read(ref _promptTokensDone);
        set => Volatile.Write(ref _promptTokensDone, value);
    }

    public bool IsCancelled => Volatile.Read(ref _cancelled) != 0;

    public ReadOnlySpan<uint> Tokens => _tokens.AsSpan(0, Length);

    /// <summary>
    /// Tokens whose keys and values may come from somewhere else: the last one's logits are wanted, and those of what is to be judged.
    /// </summary>
    public ReadOnlySpan<uint> Reusable => _tokens.AsSpan(0, IsJudging ? PromptJudged - 1 : Length - 1);

    /// <summary>Tokens of the prompt are still to be judged.</summary>
    public bool IsJudging => Parameters.PromptLogprobs is not null && PromptJudged < PromptLength;

    /// <summary>The tokens and the draft behind them.</summary>
    public ReadOnlySpan<uint> TokensAndDraft => _tokens.AsSpan(0, Length + DraftLength);

    /// <summary>The next step that runs drops the sequence. From any thread, any number of times.</summary>
    public void Cancel() => Volatile.Write(ref _cancelled, 1);

    /// <summary>How many of its next tokens a step may read that has so many rows of logits for prompts.</summary>
    public int TokensWithin(int promptRows)
    {
        if (!IsJudging)
            return PendingLength;
        var end = Math.Max(CachedLength, PromptJudged - 1) + promptRows;
        return end >= PromptLength - 1 ? PendingLength : end - CachedLength;
    }

    /// <summary>How many of its next tokens, this many, say something about a token of the prompt that is not judged yet.</summary>
    public int PromptRows(int newTokens) => !IsJudging ? 0
        : Math.Max(0, Math.Min(CachedLength + newTokens, PromptLength - 1) - Math.Max(CachedLength, PromptJudged - 1));

    /// <summary>The first tokens, this many, are in the blocks without a step of this sequence.</summary>
    public void TakeCached(int length)
    {
        // Once is enough for each token, whatever a preemption makes of it later.
        var counted = Math.Max(Math.Max(CachedLength, PromptTokensDone), _cachedLengthMax);
        PrefixTokens += Math.Max(0, Math.Min(length, PromptLength) - counted);
        CachedLength = length;
        _cachedLengthMax = Math.Max(_cachedLengthMax, length);
    }

    /// <summary>Guesses that what stands from <paramref name="start"/> on comes next; at its end the guess quotes itself.</summary>
    public void SetDraft(int start, int length)
    {
        MakeRoom(length);
        for (var i = 0; i < length; i++)
            _tokens[Length + i] = _tokens[start + i];
        (DraftLength, DraftOrigin) = (length, DraftOrigin.Text);
    }

    /// <summary>Takes these tokens as the draft.</summary>
    public void SetDraft(ReadOnlySpan<uint> tokens, DraftOrigin origin)
    {
        MakeRoom(tokens.Length);
        tokens.CopyTo(_tokens.AsSpan(Length));
        (DraftLength, DraftOrigin) = (tokens.Length, origin);
    }

    /// <summary>Leaves the draft's first tokens only.</summary>
    public void CutDraft(int length) => DraftLength = Math.Min(DraftLength, length);

    public void DropDraft() => DraftLength = 0;

    /// <summary>Adds a guess of the model's own head behind the others.</summary>
    public void AddGuess(uint id)
    {
        if (_guessCount == _guesses.Length)
            Array.Resize(ref _guesses, _guessCount + 4);
        _guesses[_guessCount++] = id;
    }

    public void DropGuesses() => _guessCount = 0;

    /// <summary>Adds a sampled token that the draft may have guessed.</summary>
    /// <returns>True when it had: the step has read it already, and the rest of the draft stands behind it.</returns>
    public bool AppendDrafted(uint id)
    {
        var isRight = DraftLength > 0 && _tokens[Length] == id;
        DraftLength = isRight ? DraftLength - 1 : 0;
        Append(id);
        return isRight;
    }

    /// <summary>Adds a sampled token.</summary>
    public void Append(uint id)
    {
        if (Length == _tokens.Length)
            Array.Resize(ref _tokens, Length + Math.Max(256, Length / 2));
        _tokens[Length++] = id;
        _guessCount = 0;
        Counts?.AddAnswer(id);
        Reasoning?.Follow(Tokens[PromptLength..]);
    }

    private void MakeRoom(int draftLength)
    {
        if (Length + draftLength > _tokens.Length)
            Array.Resize(ref _tokens, Length + draftLength + Math.Max(256, Length / 2));
    }
}
