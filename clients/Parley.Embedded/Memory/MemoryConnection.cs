using Microsoft.AspNetCore.Connections;

namespace Parley.Embedded.Memory;

/// <summary>The server's end of a connection in memory, as Kestrel holds it.</summary>
internal sealed class MemoryConnection : DefaultConnectionContext
{
    private readonly MemoryPipe _pipe;
    private readonly ClientStream _client;
    private readonly CancellationTokenSource _closed = new();
    private int _isOver;

    public MemoryConnection(string id, MemoryPipe pipe, ClientStream client, MemoryEndPoint endPoint)
        : base(id)
    {
        (_pipe, _client) = (pipe, client);
        (Transport, LocalEndPoint, RemoteEndPoint, ConnectionClosed) = (pipe, endPoint, endPoint, _closed.Token);
        client.Closed += NoteClosed;
    }

    /// <summary>What Kestrel does to a connection that it cannot go on with: whoever waits at either end is woken.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        _client.Break(abortReason);
        _pipe.Input.CancelPendingRead();
        _pipe.Output.CancelPendingFlush();
        NoteClosed();
    }

    /// <summary>Kestrel is done with it: the client reads what is under way, and then the end.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _pipe.Output.CompleteAsync();
        await _pipe.Input.CompleteAsync();
        NoteClosed();
        await base.DisposeAsync();
    }

    /// <summary>Tells the server's requests that nobody waits for their answers; on another thread, since they end in here.</summary>
    private void NoteClosed()
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false);
    }
}
