namespace Parley.Cli.Bench.Serve;

/// <summary>
/// Sends requests at their time of arrival, whether or not the server keeps up. Whoever waits, waits from the time of arrival: a sender
/// that was late, or a server that was slow, shows in the latencies and does not thin out the load.
/// </summary>
/// <param name="outstandingMax">Requests in flight at once: what arrives beyond them is not sent, and counted.</param>
/// <param name="time">The clock.</param>
internal sealed class OpenLoop(int outstandingMax, TimeProvider time)
{
    /// <summary>Runs until every arrival was sent or dropped and every request has ended.</summary>
    /// <param name="arrivals">Times from now, ascending.</param>
    /// <param name="send">Sends request i, which was due at a time stamp. Its failures are values.</param>
    /// <param name="notSent">Called for an arrival beyond the bound.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    public async Task RunAsync(
        IEnumerable<TimeSpan> arrivals, Func<int, long, Task> send, Action notSent, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var permits = new SemaphoreSlim(outstandingMax);
        var faults = new TaskCompletionSource();
        var index = 0;
        foreach (var arrival in arrivals)
        {
            var wait = arrival - time.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, time, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            if (!permits.Wait(0, cancellationToken))
            {
                notSent();
                continue;
            }

            var due = started + (long)(arrival.TotalSeconds * time.TimestampFrequency);
            _ = SendAsync(send, index++, due, permits, faults);
        }

        for (var permit = 0; permit < outstandingMax; permit++)
            await permits.WaitAsync(CancellationToken.None);
        faults.TrySetResult();
        await faults.Task;
    }

    private static async Task SendAsync(
        Func<int, long, Task> send, int index, long due, SemaphoreSlim permits, TaskCompletionSource faults)
    {
        try
        {
            await send(index, due);
        }
        catch (Exception exception)
        {
            faults.TrySetException(exception);
        }
        finally
        {
            permits.Release();
        }
    }
}
