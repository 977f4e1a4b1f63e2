using System.Threading.Channels;
using Parley.Generator.Sequences;

namespace Parley.Generator.Streaming;

/// <summary>
/// The tokens of one sequence between the engine's thread, which writes and never waits, and its caller, who reads. It is bounded:
/// the engine does not plan a sequence whose stream is full, so a slow reader holds up nobody but itself.
/// </summary>
internal sealed class TokenStream
{
    private readonly Channel<StreamedToken> _channel;
    private readonly int _tokensMax;
    private readonly Action _roomMade;
    private SequenceEnd? _end;
    private int _cachedTokens = -1;
    private int _waitsForRoom;

    /// <param name="tokensMax">Tokens that wait for the reader at most.</param>
    /// <param name="roomMade">Called on the reader's thread when the engine waits for room and there is some.</param>
    public TokenStream(int tokensMax, Action? roomMade = null)
    {
        _tokensMax = tokensMax;
        _roomMade = roomMade ?? (static () => { });
        _channel = Channel.CreateBounded<StreamedToken>(new BoundedChannelOptions(tokensMax)
        {
            // The writer checks for room first; were it to be wrong, waiting refuses the write where dropping would lose a token.
            FullMode = BoundedChannelFullMode.Wait,
            SingleReader = true,
            SingleWriter = true,
            AllowSynchronousContinuations = false,
        });
    }

    /// <summary>The engine's side: no room for another token.</summary>
    public bool IsFull
    {
        get
        {
            if (_channel.Reader.Count < _tokensMax)
                return false;

            // Announce the wait before looking again: a reader who drains in between either is seen here or sees the announcement.
            Interlocked.Exchange(ref _waitsForRoom, 1);
            return _channel.Reader.Count >= _tokensMax;
        }
    }

    /// <summary>The engine's side: tokens that can be handed over now; the reader only ever makes more room.</summary>
    public int Room => _tokensMax - _channel.Reader.Count;

    /// <summary>The ending; set before <see cref="WaitAsync"/> first answers false.</summary>
    public SequenceEnd? End => Volatile.Read(ref _end);

    /// <summary>Prompt tokens found in the cache; null before the first step is planned.</summary>
    public int? CachedTokens => Volatile.Read(ref _cachedTokens) is var tokens && tokens < 0 ? null : tokens;

    /// <summary>The engine's side: the first step is planned.</summary>
    public void Begin(int cachedTokens) => Volatile.Write(ref _cachedTokens, cachedTokens);

    /// <summary>The engine's side: hands over a token; there must be room.</summary>
    public void Write(StreamedToken token)
    {
        if (!_channel.Writer.TryWrite(token))
            throw new InvalidOperationException("The stream is full or has ended; the engine must not sample for it.");
    }

    /// <summary>The engine's side: the one ending.</summary>
    public void Complete(SequenceEnd end)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is not null)
            throw new InvalidOperationException("A sequence ends once.");
        _channel.Writer.TryComplete();
    }

    /// <summary>The reader's side: true when tokens can be read, false after the last when the sequence has ended.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _channel.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>The reader's side: takes the tokens that are ready.</summary>
    public void ReadReady(List<StreamedToken> tokens)
    {
        while (_channel.Reader.TryRead(out var token))
            tokens.Add(token);
        if (Interlocked.Exchange(ref _waitsForRoom, 0) != 0)
            _roomMade();
    }
}
