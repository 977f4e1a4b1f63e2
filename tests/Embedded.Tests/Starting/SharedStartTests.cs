using Parley.Embedded.Starting;

namespace Parley.Embedded.Tests.Starting;

/// <summary>One start for all who come, as long as one of them waits.</summary>
public sealed class SharedStartTests : IDisposable
{
    private readonly List<(TaskCompletionSource<Started> Done, CancellationToken Token)> _starts = [];
    private readonly SemaphoreSlim _begun = new(0);
    private readonly SharedStart<Started> _shared;

    public SharedStartTests() => _shared = new SharedStart<Started>(StartAsync);

    public void Dispose() => _begun.Dispose();

    [Fact]
    public async Task Wait_OfMany_IsForOneStart()
    {
        var waiting = Enumerable.Range(0, 8).Select(_ => _shared.WaitAsync(CancellationToken.None).AsTask()).ToList();
        await _begun.WaitAsync();
        Assert.False(_shared.IsStarted);
        _starts[0].Done.SetResult(new Started());
        await Task.WhenAll(waiting);
        await _shared.WaitAsync(CancellationToken.None);

        Assert.True(_shared.IsStarted);
        Assert.Single(_starts);
    }

    [Fact]
    public async Task Wait_ThatOneGivesUp_GoesOnForTheOther()
    {
        using var cancel = new CancellationTokenSource();
        var (first, second) = (_shared.WaitAsync(cancel.Token).AsTask(), _shared.WaitAsync(CancellationToken.None).AsTask());
        await _begun.WaitAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        Assert.False(_starts[0].Token.IsCancellationRequested);
        _starts[0].Done.SetResult(new Started());
        await second;
    }

    /// <summary>One that was given up may come to its end all the same: it is not left behind, and the next waits for it.</summary>
    [Fact]
    public async Task Wait_ThatAllGiveUp_EndsTheStartAndTheNextStartsAnew()
    {
        using var cancel = new CancellationTokenSource();
        var first = _shared.WaitAsync(cancel.Token).AsTask();
        await _begun.WaitAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.True(_starts[0].Token.IsCancellationRequested);

        var next = _shared.WaitAsync(CancellationToken.None).AsTask();
        Assert.Single(_starts);
        var late = new Started();
        _starts[0].Done.SetResult(late);
        await _begun.WaitAsync();
        Assert.True(late.IsDisposed);
        _starts[1].Done.SetResult(new Started());
        await next;
        Assert.True(_shared.IsStarted);
    }

    [Fact]
    public async Task Start_ThatFails_IsTriedAgainAtTheNextUse()
    {
        var first = _shared.WaitAsync(CancellationToken.None).AsTask();
        await _begun.WaitAsync();
        _starts[0].Done.SetException(new InvalidDataException("broken"));
        await Assert.ThrowsAsync<InvalidDataException>(() => first);

        var second = _shared.WaitAsync(CancellationToken.None).AsTask();
        await _begun.WaitAsync();
        _starts[1].Done.SetResult(new Started());
        await second;
    }

    [Fact]
    public async Task End_WhileItStarts_BreaksOffAndNothingStartsAfterIt()
    {
        var waiting = _shared.WaitAsync(CancellationToken.None).AsTask();
        await _begun.WaitAsync();
        var end = _shared.EndAsync().AsTask();
        var late = new Started();
        _starts[0].Done.SetResult(late);
        await end;

        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _shared.WaitAsync(CancellationToken.None).AsTask());
        Assert.True(late.IsDisposed);
    }

    [Fact]
    public async Task End_OfWhatIsThere_DisposesItOnce()
    {
        var waiting = _shared.WaitAsync(CancellationToken.None).AsTask();
        await _begun.WaitAsync();
        var started = new Started();
        _starts[0].Done.SetResult(started);
        await waiting;

        await _shared.EndAsync();
        await _shared.EndAsync();

        Assert.Equal(1, started.Disposals);
    }

    /// <summary>What flows with the caller, its span for one, is not the services'.</summary>
    [Fact]
    public async Task Start_ForACaller_HasNothingOfItsContext()
    {
        var flowing = new AsyncLocal<string?> { Value = "caller" };
        var seen = "none";
        var shared = new SharedStart<Started>(_ =>
        {
            seen = flowing.Value;
            return Task.FromResult(new Started());
        });

        await shared.WaitAsync(CancellationToken.None);

        Assert.Null(seen);
        Assert.Equal("caller", flowing.Value);
    }

    private Task<Started> StartAsync(CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<Started>(TaskCreationOptions.RunContinuationsAsynchronously);
        _starts.Add((done, cancellationToken));
        _begun.Release();
        return done.Task;
    }

    private sealed class Started : IAsyncDisposable
    {
        public int Disposals { get; private set; }

        public bool IsDisposed => Disposals > 0;

        public ValueTask DisposeAsync()
        {
            Disposals++;
            return ValueTask.CompletedTask;
        }
    }
}
