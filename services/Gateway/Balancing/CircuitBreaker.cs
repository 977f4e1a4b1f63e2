namespace Parley.Gateway.Balancing;

/// <summary>
/// Keeps requests away from a replica that fails: after some faults in a row it opens for a while, longer each time, then lets one trial
/// through. Only faults of the replica are told to it, never those of a request. Safe for many threads.
/// </summary>
/// <param name="faultsMax">Faults in a row that open it.</param>
/// <param name="open">How long it is open the first time; doubled each time it opens again without a success between.</param>
/// <param name="openMax">The longest time.</param>
/// <param name="time">The clock.</param>
internal sealed class CircuitBreaker(int faultsMax, TimeSpan open, TimeSpan openMax, TimeProvider time)
{
    private readonly Lock _lock = new();
    private int _faults;
    private int _openings;
    private long _openedAt;
    private TimeSpan _openFor;
    private bool _isTrial;

    /// <summary>Whether a request may come now; while it is open the first one behind its time is the trial.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_lock)
                return _openFor == TimeSpan.Zero || (!_isTrial && time.GetElapsedTime(_openedAt) >= _openFor);
        }
    }

    /// <summary>A request goes to the replica: where the breaker was open, it is the trial, and others wait for what comes of it.</summary>
    public void Begin()
    {
        lock (_lock)
            _isTrial = _openFor > TimeSpan.Zero;
    }

    /// <summary>The replica worked for a request.</summary>
    public void Succeed()
    {
        lock (_lock)
            (_faults, _openings, _openFor, _isTrial) = (0, 0, TimeSpan.Zero, false);
    }

    /// <summary>A request ended without a word about the replica, e.g. because its caller left.</summary>
    public void Abandon()
    {
        lock (_lock)
            _isTrial = false;
    }

    /// <summary>The replica failed a request.</summary>
    /// <returns>Whether this has opened it.</returns>
    public bool Fail()
    {
        lock (_lock)
        {
            _faults++;
            var wasTrial = _isTrial;
            _isTrial = false;
            // Requests that were under way when it opened tell nothing new.
            if (_openFor > TimeSpan.Zero && !wasTrial)
                return false;
            if (_faults < faultsMax && !wasTrial)
                return false;
            var factor = 1L << Math.Min(_openings++, 20);
            _openFor = TimeSpan.FromTicks(Math.Min(open.Ticks * factor, openMax.Ticks));
            _openedAt = time.GetTimestamp();
            return true;
        }
    }
}
