namespace Parley.Cli.Hub;

/// <summary>How fast a count grows, over the last seconds: what was there at the start is no speed.</summary>
internal sealed class TransferRate(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Distance = TimeSpan.FromMilliseconds(200);

    private readonly Queue<(long Timestamp, long Count)> _samples = new();
    private (long Timestamp, long Count) _last;
    private (long Timestamp, long Count) _latest;

    /// <summary>Takes note of the count; one that falls begins anew.</summary>
    public void Note(long count)
    {
        if (count < _latest.Count)
            _samples.Clear();
        _latest = (time.GetTimestamp(), count);
        if (_samples.Count > 0 && time.GetElapsedTime(_last.Timestamp, _latest.Timestamp) < Distance)
            return;
        _last = _latest;
        _samples.Enqueue(_latest);
        while (time.GetElapsedTime(_samples.Peek().Timestamp, _latest.Timestamp) > Window && _samples.Count > 1)
            _samples.Dequeue();
    }

    /// <summary>Per second; null as long as nothing can be said.</summary>
    public double? PerSecond
    {
        get
        {
            if (_samples.Count == 0)
                return null;
            var (timestamp, count) = _samples.Peek();
            var elapsed = time.GetElapsedTime(timestamp);
            return elapsed >= Distance && _latest.Count > count ? (_latest.Count - count) / elapsed.TotalSeconds : null;
        }
    }

    /// <summary>Until the count is there; null as long as nothing can be said.</summary>
    public TimeSpan? Left(long total) =>
        PerSecond is { } rate && rate > 0 ? TimeSpan.FromSeconds(Math.Min((total - _latest.Count) / rate, 1e7)) : null;
}
