namespace Parley.Benchmarks;

/// <summary>Lets so many bytes per second pass, over all connections together; each waits for its turn.</summary>
internal sealed class HubThrottle(double bytesPerSecond)
{
    private readonly Lock _gate = new();
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private double _free;

    public async Task PassAsync(int bytes, CancellationToken cancellationToken)
    {
        if (!double.IsFinite(bytesPerSecond))
            return;
        TimeSpan wait;
        lock (_gate)
        {
            var now = TimeProvider.System.GetElapsedTime(_start).TotalSeconds;
            _free = Math.Max(_free, now) + (bytes / bytesPerSecond);
            wait = TimeSpan.FromSeconds(_free - now);
        }

        // Timers are no finer than this; what was let pass too early is waited for the next time.
        if (wait > TimeSpan.FromMilliseconds(4))
            await Task.Delay(wait, TimeProvider.System, cancellationToken);
    }
}
