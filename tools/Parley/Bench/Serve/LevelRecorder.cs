namespace Parley.Cli.Bench.Serve;

/// <summary>
/// The figures of one load level while it runs, in bounded memory, from any thread. The steady part is the time in which all streams of
/// a closed loop receive tokens at once: no prompt is read meanwhile, so its rate is that of decoding at this many streams.
/// </summary>
/// <param name="streams">Streams of a closed loop; 0 in an open one.</param>
/// <param name="targets">What counts as good.</param>
/// <param name="time">The clock.</param>
internal sealed class LevelRecorder(int streams, LatencyTargets targets, TimeProvider time)
{
    private const int FailureKindsMax = 32;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _failures = new(StringComparer.Ordinal);
    private readonly LatencyHistogram _firstTokens = new();
    private readonly LatencyHistogram _perToken = new();
    private readonly LatencyHistogram _whole = new();
    private readonly LatencyHistogram _late = new();
    private int _decoding;
    private long _steadySince;
    private long _steadyTokens;
    private double _steadySeconds;
    private long _told;
    private long _completed;
    private long _failed;
    private long _good;
    private long _promptTokens;
    private long _cachedTokens;
    private long _outputTokens;
    private long _toldByEnded;
    private double _rateSum;
    private long _rates;

    public TimeProvider Time => time;

    public LatencyHistogram Gaps { get; } = new();

    public long Completed => Interlocked.Read(ref _completed);

    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Tokens, or chunks where the server does not count, that have arrived.</summary>
    public long Told => Interlocked.Read(ref _told);

    public void Arrived(int tokens, bool isFirst)
    {
        lock (_lock)
        {
            _told += tokens;
            if (isFirst)
            {
                // The first tokens end a prompt's step: the steady part begins behind them.
                if (++_decoding == streams)
                    _steadySince = time.GetTimestamp();
                return;
            }

            if (_decoding == streams)
                _steadyTokens += tokens;
        }
    }

    public void Closed()
    {
        lock (_lock)
        {
            if (_decoding-- == streams)
                _steadySeconds += time.GetElapsedTime(_steadySince).TotalSeconds;
        }
    }

    /// <summary>A request was sent this long after its time.</summary>
    public void Sent(TimeSpan late) => _late.Add(late.TotalSeconds);

    public void Ended(StreamClock clock, ChatAnswer answer)
    {
        if (answer.Failure is { } kind)
        {
            Fail(kind);
            return;
        }

        var tokens = answer.CompletionTokens ?? clock.Tokens;
        var perToken = tokens > 1 ? clock.DecodeSeconds / (tokens - 1) : 0;
        _firstTokens.Add(clock.FirstTokenSeconds);
        _whole.Add(time.GetElapsedTime(clock.DueAt).TotalSeconds);
        if (tokens > 1)
            _perToken.Add(perToken);
        lock (_lock)
        {
            _completed++;
            _good += targets.AreKept(clock.FirstTokenSeconds, perToken) ? 1 : 0;
            _promptTokens += answer.PromptTokens;
            _cachedTokens += answer.CachedTokens;
            _outputTokens += tokens;
            _toldByEnded += clock.Tokens;
            if (perToken > 0)
            {
                _rateSum += 1 / perToken;
                _rates++;
            }
        }
    }

    public void Fail(string kind)
    {
        lock (_lock)
        {
            _failed++;
            if (_failures.Count >= FailureKindsMax && !_failures.ContainsKey(kind))
                kind = "other";
            _failures[kind] = _failures.GetValueOrDefault(kind) + 1;
        }
    }

    public LevelResult Summarize(double seconds)
    {
        lock (_lock)
        {
            // A server that counts tokens and sends several in a chunk, or none for a while, is judged by its count.
            var tokensPerChunk = _toldByEnded == 0 ? 1 : (double)_outputTokens / _toldByEnded;
            return new LevelResult
            {
                Streams = streams,
                Seconds = seconds,
                Completed = _completed,
                Failed = _failed,
                Failures = new SortedDictionary<string, long>(_failures, StringComparer.Ordinal),
                PromptTokens = _promptTokens,
                CachedTokens = _cachedTokens,
                OutputTokens = _outputTokens,
                TokensPerSecond = _outputTokens / seconds,
                TokensPerSecondPerStream = _rates == 0 ? 0 : _rateSum / _rates,
                SteadyTokensPerSecond = _steadySeconds > 0 ? _steadyTokens * tokensPerChunk / _steadySeconds : 0,
                SteadySeconds = _steadySeconds,
                FirstToken = _firstTokens.Summarize(),
                InterToken = Gaps.Summarize(),
                PerToken = _perToken.Summarize(),
                Request = _whole.Summarize(),
                SentLate = _late.Summarize(),
                GoodShare = targets.AreSet && _completed + _failed > 0 ? (double)_good / (_completed + _failed) : null,
                GoodRequestsPerSecond = targets.AreSet ? _good / seconds : null,
            };
        }
    }
}
