using System.Threading.Tasks.Sources;
using Parley.Generator.Sequences;

namespace Parley.Generator.Streaming;

/// <summary>
/// The tokens of one sequence between the engine's thread, which writes and never waits, and its caller, who reads. It is bounded:
/// the engine does not plan a sequence whose stream is full, so a slow reader holds up nobody but itself.
/// </summary>
/// <remarks>
/// Writing wakes nobody: <see cref="Wake"/> does, which <see cref="TokenDelivery"/> calls for all streams of a step on another thread,
/// and the reader goes on inside of it. So a step costs the engine's thread one hand-over, not one for each reader.
/// </remarks>
internal sealed class TokenStream : IValueTaskSource<bool>
{
    private readonly Lock _lock = new();
    private readonly Queue<StreamedToken> _tokens = new();
    private readonly Queue<PromptJudgement> _judgements = new();
    private readonly int _tokensMax;
    private readonly Action _roomMade;
    private ManualResetValueTaskSourceCore<bool> _signal;
    private SequenceEnd? _end;
    private int _count;
    private int _cachedTokens = -1;
    private bool _readerWaits;
    private bool _readerLeft;
    private bool _waitsForRoom;

    /// <param name="tokensMax">Tokens that wait for the reader at most.</param>
    /// <param name="roomMade">Called on the reader's thread when the engine waits for room and there is some.</param>
    public TokenStream(int tokensMax, Action? roomMade = null)
    {
        _tokensMax = tokensMax;
        _roomMade = roomMade ?? (static () => { });
    }

    /// <summary>The engine's side: no room for another token.</summary>
    public bool IsFull
    {
        get
        {
            if (Volatile.Read(ref _count) < _tokensMax)
                return false;
            lock (_lock)
                return _waitsForRoom = _count >= _tokensMax;
        }
    }

    /// <summary>The engine's side: tokens that can be handed over now; the reader only ever makes more room.</summary>
    public int Room => _tokensMax - Volatile.Read(ref _count);

    /// <summary>The ending; set before <see cref="WaitAsync"/> first answers false.</summary>
    public SequenceEnd? End => Volatile.Read(ref _end);

    /// <summary>Prompt tokens found in the cache; null before the first step is planned.</summary>
    public int? CachedTokens => Volatile.Read(ref _cachedTokens) is var tokens && tokens < 0 ? null : tokens;

    /// <summary>Whether it is to be woken already; <see cref="TokenDelivery"/>'s own.</summary>
    public bool IsListed { get; set; }

    /// <summary>The engine's side: the first step is planned.</summary>
    public void Begin(int cachedTokens) => Volatile.Write(ref _cachedTokens, cachedTokens);

    /// <summary>The engine's side: hands over a token; there must be room.</summary>
    /// <returns>True when the reader waits for it and is to be woken.</returns>
    public bool Write(StreamedToken token)
    {
        lock (_lock)
        {
            if (_tokens.Count >= _tokensMax || _end is not null)
                throw new InvalidOperationException("The stream is full or has ended; the engine must not sample for it.");
            _tokens.Enqueue(token);
            Volatile.Write(ref _count, _count + 1);
            return _readerWaits;
        }
    }

    /// <summary>The engine's side: hands over what is judged of the prompt. Its tokens take room like those of the answer.</summary>
    /// <returns>True when the reader waits for it and is to be woken.</returns>
    public bool WritePrompt(PromptJudgement judgement)
    {
        lock (_lock)
        {
            _judgements.Enqueue(judgement);
            Volatile.Write(ref _count, _count + judgement.Tokens.Count);
            return _readerWaits;
        }
    }

    /// <summary>The engine's side: the one ending.</summary>
    /// <returns>True when the reader waits for it and is to be woken.</returns>
    public bool Complete(SequenceEnd end)
    {
        lock (_lock)
        {
            if (_end is not null)
                throw new InvalidOperationException("A sequence ends once.");
            Volatile.Write(ref _end, end);
            return _readerWaits;
        }
    }

    /// <summary>Lets a reader go on who waits and need not any more; it does so inside of this call. From any thread.</summary>
    public void Wake()
    {
        bool canRead;
        lock (_lock)
        {
            canRead = _count > 0;
            if (!_readerWaits || (!canRead && _end is null))
                return;
            _readerWaits = false;
        }

        _signal.SetResult(canRead);
    }

    /// <summary>The reader's side: it waits no longer, now or ever. From any thread.</summary>
    /// <param name="cancellationToken">Why.</param>
    public void Leave(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _readerLeft = true;
            if (!_readerWaits)
                return;
            _readerWaits = false;
        }

        // Whoever cancels has its own to do.
        _signal.RunContinuationsAsynchronously = true;
        _signal.SetException(new OperationCanceledException(cancellationToken));
    }

    /// <summary>
    /// The reader's side: true when tokens can be read, false after the last when the sequence has ended. One wait at a time.
    /// </summary>
    /// <exception cref="OperationCanceledException">The reader has left.</exception>
    public ValueTask<bool> WaitAsync()
    {
        lock (_lock)
        {
            if (_readerLeft)
                return ValueTask.FromException<bool>(new OperationCanceledException());
            if (_count > 0)
                return ValueTask.FromResult(true);
            if (_end is not null)
                return ValueTask.FromResult(false);
            if (_readerWaits)
                throw new InvalidOperationException("A stream has one reader, which waits once.");
            _signal.Reset();
            _readerWaits = true;
            return new ValueTask<bool>(this, _signal.Version);
        }
    }

    /// <summary>The reader's side: takes the tokens that are ready.</summary>
    /// <param name="tokens">Grows by those of the answer.</param>
    /// <param name="judgements">Grows by what is judged of the prompt, which stands before them; null drops it.</param>
    public void ReadReady(List<StreamedToken> tokens, List<PromptJudgement>? judgements = null)
    {
        bool roomMade;
        lock (_lock)
        {
            while (_judgements.TryDequeue(out var judgement))
                judgements?.Add(judgement);
            while (_tokens.TryDequeue(out var token))
                tokens.Add(token);
            Volatile.Write(ref _count, 0);
            roomMade = _waitsForRoom;
            _waitsForRoom = false;
        }

        if (roomMade)
            _roomMade();
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _signal.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _signal.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _signal.OnCompleted(continuation, state, token, flags);
}
