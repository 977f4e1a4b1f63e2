using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Parley.Embedded.Memory;

/// <summary>Where a service of this process waits for connections of this process.</summary>
internal sealed class MemoryListener(MemoryEndPoint endPoint, Action<MemoryListener> unbound) : IConnectionListener
{
    /// <summary>Connections that may wait to be accepted; who makes more waits.</summary>
    private const int BacklogMax = 64;

    private readonly Channel<MemoryConnection> _backlog = Channel.CreateBounded<MemoryConnection>(BacklogMax);
    private int _count;

    public EndPoint EndPoint => endPoint;

    /// <summary>Connects to it.</summary>
    /// <exception cref="SocketException">It listens no longer.</exception>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var (client, server) = MemoryPipe.CreatePair();
        var stream = new ClientStream(client);
        var id = string.Create(CultureInfo.InvariantCulture, $"{endPoint.Name}-{Interlocked.Increment(ref _count)}");
        try
        {
            await _backlog.Writer.WriteAsync(new MemoryConnection(id, server, stream, endPoint), cancellationToken);
            return stream;
        }
        catch (ChannelClosedException)
        {
            throw new SocketException((int)SocketError.ConnectionRefused);
        }
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _backlog.Reader.WaitToReadAsync(cancellationToken) && _backlog.Reader.TryRead(out var connection) ? connection : null;

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        unbound(this);
        _backlog.Writer.TryComplete();
        while (_backlog.Reader.TryRead(out var connection))
        {
            connection.Abort(new ConnectionAbortedException("The service stops."));
            await connection.DisposeAsync();
        }
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}
