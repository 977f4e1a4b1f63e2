using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Parley.Embedded.Memory;

/// <summary>
/// What the services of one system listen on and reach each other by: no ports and no files, but the same HTTP/2 as over those, with its
/// flow control, deadlines and cancellation. Each system has a network of its own, so names of several never meet.
/// </summary>
internal sealed class MemoryNetwork : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ConcurrentDictionary<string, MemoryListener> _listeners = new(StringComparer.OrdinalIgnoreCase);

    public bool CanBind(EndPoint endpoint) => endpoint is MemoryEndPoint;

    /// <exception cref="AddressInUseException">Somebody listens there.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var place = (MemoryEndPoint)endpoint;
        var listener = new MemoryListener(place, gone => _listeners.TryRemove(new(place.Name, gone)));
        return _listeners.TryAdd(place.Name, listener)
            ? ValueTask.FromResult<IConnectionListener>(listener)
            : throw new AddressInUseException($"{place} is in use.");
    }

    /// <summary>Makes a handler whose connections are of this network alone; the caller disposes it.</summary>
    public SocketsHttpHandler CreateHandler()
    {
        var handler = new SocketsHttpHandler();
        Configure(handler);
        return handler;
    }

    /// <summary>Makes a handler's connections those of this network alone.</summary>
    public void Configure(SocketsHttpHandler handler)
    {
        // A proxy of the environment has nothing to do with what never leaves the process.
        handler.UseProxy = false;
        handler.EnableMultipleHttp2Connections = true;
        handler.PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan;
        handler.ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint.Host, cancellationToken);
    }

    /// <exception cref="SocketException">Nobody listens there.</exception>
    private ValueTask<Stream> ConnectAsync(string name, CancellationToken cancellationToken) =>
        _listeners.TryGetValue(name, out var listener)
            ? listener.ConnectAsync(cancellationToken)
            : throw new SocketException((int)SocketError.ConnectionRefused);
}
