namespace Parley.Gateway.Balancing;

/// <summary>
/// Bounds second attempts by first ones, so that faults of many replicas do not multiply the load on those that are left: each request
/// earns a part of an attempt. It starts full, and holds enough for all streams of a Gateway to move once.
/// </summary>
internal sealed class RetryBudget
{
    private readonly Lock _lock = new();
    private readonly double _capacity;
    private readonly double _ratio;
    private double _left;

    /// <param name="capacity">The most attempts in a row.</param>
    /// <param name="ratio">What a request earns.</param>
    public RetryBudget(double capacity, double ratio) => (_capacity, _ratio, _left) = (capacity, ratio, capacity);

    /// <summary>A request begins.</summary>
    public void Earn()
    {
        lock (_lock)
            _left = Math.Min(_capacity, _left + _ratio);
    }

    /// <summary>Takes an attempt, if one is left.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            if (_left < 1)
                return false;
            _left--;
            return true;
        }
    }
}
