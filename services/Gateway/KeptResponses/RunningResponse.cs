namespace Parley.Gateway.KeptResponses;

/// <summary>A response that is being written.</summary>
internal sealed class RunningResponse(string owner, Action onEnd, CancellationToken callerToken) : IDisposable
{
    private readonly CancellationTokenSource _cancel = CancellationTokenSource.CreateLinkedTokenSource(callerToken);
    private readonly TaskCompletionSource<byte[]?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private bool _isOver;

    public string Owner => owner;

    /// <summary>Cancelled when the caller leaves, or by <see cref="Cancel"/>.</summary>
    public CancellationToken Token => _cancel.Token;

    /// <summary>Somebody has asked for its end.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>The response as it ended; null where there is none to tell.</summary>
    public Task<byte[]?> Ended => _ended.Task;

    /// <summary>Ends it, unless it is over.</summary>
    public void Cancel()
    {
        lock (_lock)
        {
            if (_isOver)
                return;
            IsCancelled = true;
            // What follows from it runs elsewhere, and not under the lock.
            _ = _cancel.CancelAsync();
        }
    }

    /// <summary>Tells how it ended.</summary>
    public void End(byte[] response) => _ended.TrySetResult(response);

    public void Dispose()
    {
        lock (_lock)
            _isOver = true;
        onEnd();
        _ended.TrySetResult(null);
        _cancel.Dispose();
    }
}
