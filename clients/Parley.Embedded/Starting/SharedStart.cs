namespace Parley.Embedded.Starting;

/// <summary>
/// Starts something at its first use. Whoever comes while it starts waits for the same start; it goes on as long as one of them waits, and
/// when it has failed the next to come starts anew.
/// </summary>
/// <typeparam name="T">What is started.</typeparam>
/// <param name="start">Starts it.</param>
internal sealed class SharedStart<T>(Func<CancellationToken, Task<T>> start)
    where T : class, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private Attempt? _attempt;
    private volatile T? _started;
    private volatile bool _isEnded;

    /// <summary>Whether it is there.</summary>
    public bool IsStarted => _started is not null;

    /// <summary>Waits until it is there.</summary>
    /// <param name="cancellationToken">Ends the waiting, and the start where nobody else waits.</param>
    /// <exception cref="ObjectDisposedException"><see cref="EndAsync"/> was called.</exception>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (IsStarted)
            return;
        cancellationToken.ThrowIfCancellationRequested();
        var attempt = Join();
        try
        {
            await attempt.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_isEnded && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(ParleyChatClient));
        }
        finally
        {
            Leave(attempt);
        }
    }

    /// <summary>Ends a start that runs, and what was started; nothing starts after it.</summary>
    public async ValueTask EndAsync()
    {
        Attempt? last;
        lock (_gate)
        {
            _isEnded = true;
            last = _attempt;
            _attempt = null;
        }

        if (last is null)
            return;
        await last.Ending.CancelAsync().ConfigureAwait(false);
        await last.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        last.Ending.Dispose();
        if (Interlocked.Exchange(ref _started, null) is { } started)
            await started.DisposeAsync().ConfigureAwait(false);
    }

    private Attempt Join()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isEnded, typeof(ParleyChatClient));
            if (_attempt is null || _attempt.IsLost)
            {
                var before = _attempt?.Task ?? Task.CompletedTask;
                _attempt = new Attempt();
                _attempt.Task = Begin(before, _attempt.Ending.Token);
            }

            _attempt.Waiting++;
            return _attempt;
        }
    }

    private void Leave(Attempt attempt)
    {
        lock (_gate)
        {
            if (--attempt.Waiting > 0 || attempt.Task.IsCompleted)
                return;
            attempt.IsAbandoned = true;
        }

        attempt.Ending.Cancel();
    }

    /// <summary>What flows with the call that happens to be the first, its span for one, is not the services'.</summary>
    private Task Begin(Task before, CancellationToken cancellationToken)
    {
        if (ExecutionContext.IsFlowSuppressed())
            return Task.Run(() => RunAsync(before, cancellationToken), CancellationToken.None);
        using (ExecutionContext.SuppressFlow())
            return Task.Run(() => RunAsync(before, cancellationToken), CancellationToken.None);
    }

    /// <summary>One at a time: one that was given up may still hold files, or have come to its end all the same.</summary>
    private async Task RunAsync(Task before, CancellationToken cancellationToken)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (IsStarted)
            return;
        var started = await start(cancellationToken).ConfigureAwait(false);
        if (!cancellationToken.IsCancellationRequested)
        {
            _started = started;
            return;
        }

        await started.DisposeAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private sealed class Attempt
    {
        public CancellationTokenSource Ending { get; } = new();

        public Task Task { get; set; } = Task.CompletedTask;

        public int Waiting { get; set; }

        public bool IsAbandoned { get; set; }

        /// <summary>Whether who comes now has to start another.</summary>
        public bool IsLost => IsAbandoned || Task.IsFaulted || Task.IsCanceled;
    }
}
