namespace Parley.Cli.Bench.Serve;

/// <summary>Stamps what comes on one stream; used by the task that reads it.</summary>
/// <param name="level">Where the figures go.</param>
/// <param name="dueAt">From when its user waits: when it was sent or, with scheduled arrivals, when it should have been.</param>
internal sealed class StreamClock(LevelRecorder level, long dueAt)
{
    private bool _started;
    private long _lastAt;

    public long DueAt => dueAt;

    /// <summary>Tokens told so far; where the server does not say, one for each chunk.</summary>
    public int Tokens { get; private set; }

    public double FirstTokenSeconds { get; private set; }

    /// <summary>From the first token to the last or, where known, to the end of the answer.</summary>
    public double DecodeSeconds { get; private set; }

    /// <summary>New tokens have arrived.</summary>
    public void Arrived(int tokens)
    {
        if (tokens <= 0)
            return;
        var now = level.Time.GetTimestamp();
        if (!_started)
        {
            _started = true;
            FirstTokenSeconds = level.Time.GetElapsedTime(dueAt, now).TotalSeconds;
        }
        else
        {
            var gap = level.Time.GetElapsedTime(_lastAt, now).TotalSeconds;
            DecodeSeconds += gap;
            level.Gaps.Add(gap);
        }

        _lastAt = now;
        level.Arrived(tokens, isFirst: Tokens == 0);
        Tokens += tokens;
    }

    /// <summary>The answer is complete: what comes now is its figures.</summary>
    public void Finished()
    {
        if (!_started)
            return;
        DecodeSeconds += level.Time.GetElapsedTime(_lastAt).TotalSeconds;
        _lastAt = level.Time.GetTimestamp();
    }

    /// <summary>The stream is over, however it ended.</summary>
    public void Closed()
    {
        if (_started)
            level.Closed();
        _started = false;
    }
}
