namespace Parley.Gateway.Limits;

/// <summary>
/// What may be used a minute. It fills steadily, up to one minute's worth, and may be overdrawn by what is known too late, the tokens of an
/// answer; that is then waited off. The limiters of System.Threading.RateLimiting cannot be overdrawn and know no clock but their own.
/// </summary>
internal sealed class MinuteBudget
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly double _perSecond;
    private double _left;
    private long _at;

    public MinuteBudget(int perMinute, TimeProvider time)
    {
        (Limit, _left, _perSecond) = (perMinute, perMinute, perMinute / 60.0);
        (_time, _at) = (time, time.GetTimestamp());
    }

    /// <summary>Most that there ever is.</summary>
    public int Limit { get; }

    /// <summary>Takes an amount if there is as much.</summary>
    /// <param name="amount">How much; more than <see cref="Limit"/> is never there.</param>
    /// <param name="wait">Where it is not there: after which time it is, if nobody else takes.</param>
    public bool TryTake(long amount, out TimeSpan wait)
    {
        lock (_lock)
        {
            Fill();
            wait = Until(amount);
            if (wait > TimeSpan.Zero)
                return false;
            _left -= amount;
            return true;
        }
    }

    /// <summary>After which time there is as much, if nobody takes of it; zero where there is.</summary>
    public TimeSpan WaitFor(long amount)
    {
        lock (_lock)
        {
            Fill();
            return Until(amount);
        }
    }

    /// <summary>Takes an amount that is used already, or gives one back where it is negative.</summary>
    public void Take(long amount)
    {
        lock (_lock)
        {
            Fill();
            _left = Math.Min(Limit, _left - amount);
        }
    }

    /// <summary>What is left, whole and not below 0, and the time until it is full.</summary>
    public (long Remaining, TimeSpan Reset) Look()
    {
        lock (_lock)
        {
            Fill();
            // A sum of parts is a hair less than what it should be.
            return (Math.Max(0, (long)Math.Floor(_left + 1e-6)), Until(Limit));
        }
    }

    private TimeSpan Until(long amount) =>
        _left + 1e-6 >= amount ? TimeSpan.Zero : TimeSpan.FromSeconds((amount - _left) / _perSecond);

    private void Fill()
    {
        var now = _time.GetTimestamp();
        _left = Math.Min(Limit, _left + (_time.GetElapsedTime(_at, now).TotalSeconds * _perSecond));
        _at = now;
    }
}
