using Parley.Gateway.Balancing;
using Parley.Gateway.Chat;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Gateway.Upstream;

/// <summary>
/// Tells a Generator that works in silence, as over a long queue behind a preempted sequence, from one that hangs: after a while without an
/// event it is asked for its load. No answer, or sequences that run while its steps stand still from one question to the next, and the
/// stream is cut. What a stream costs is one timer; a token costs a flag.
/// </summary>
internal sealed class StreamWatch : IAsyncDisposable
{
    private readonly GeneratorReplica _replica;
    private readonly GatewayOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _cut;
    private readonly CancellationTokenSource _over = new();
    private readonly PeriodicTimer _timer;
    private readonly Task _watching;
    private bool _heard = true;

    /// <param name="replica">Whose stream it is.</param>
    /// <param name="options">How long silence may be, and how long an answer to the question.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">The stream's.</param>
    public StreamWatch(GeneratorReplica replica, GatewayOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        (_replica, _options, _time) = (replica, options, time);
        _cut = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _timer = new PeriodicTimer(TimeSpan.FromSeconds(options.GeneratorSilenceSeconds), time);
        _watching = WatchAsync();
    }

    /// <summary>Cancelled with the stream's own, and when the Generator hangs.</summary>
    public CancellationToken Token => _cut.Token;

    /// <summary>Why the stream was cut here; null where it was not.</summary>
    public ChatError? Fault { get; private set; }

    /// <summary>An event came.</summary>
    public void Hear() => Volatile.Write(ref _heard, true);

    public async ValueTask DisposeAsync()
    {
        // A timer that is disposed of ends its loop without an exception, of which each would cost what ten tokens do.
        _timer.Dispose();
        await _over.CancelAsync();
        await _watching;
        _over.Dispose();
        _cut.Dispose();
    }

    private async Task WatchAsync()
    {
        ReplicaLoad? before = null;
        try
        {
            while (await _timer.WaitForNextTickAsync())
            {
                if (Interlocked.Exchange(ref _heard, false))
                {
                    before = null;
                    continue;
                }

                var load = await AskAsync();
                if (Volatile.Read(ref _heard))
                    continue;
                var stands = load is { RunningSequences: > 0 } && before is { RunningSequences: > 0 } && load.Steps == before.Steps;
                if (load is not null && !stands)
                {
                    before = load;
                    continue;
                }

                Fault = new ChatError(ChatErrorKind.Unavailable, ChatError.NotAvailable)
                {
                    Detail = $"The Generator at {_replica.Address.Authority} gave no sign for {_options.GeneratorSilenceSeconds} s "
                        + (load is null ? "and does not tell its load." : "and its steps stand still."),
                };
                await _cut.CancelAsync();
                return;
            }
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            // The stream is over.
        }
    }

    private async Task<ReplicaLoad?> AskAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(_options.DescribeSecondsMax), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _over.Token);
        using var untraced = Untraced.Begin();
        try
        {
            return await _replica.Client.GetLoadAsync(either.Token);
        }
        catch (Exception exception) when (exception is ChatException or OperationCanceledException)
        {
            _over.Token.ThrowIfCancellationRequested();
            return null;
        }
    }
}
