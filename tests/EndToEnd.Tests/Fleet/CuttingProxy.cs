using System.Net;
using System.Net.Sockets;

namespace Parley.EndToEnd.Tests.Fleet;

/// <summary>
/// TCP between a Gateway and a service. Once armed, it resets the connection at a byte of what the service sends; connections that come
/// afterwards live.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _target;
    private readonly Func<int, int> _pass;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly List<Task> _connections = [];

    /// <param name="target">The service.</param>
    /// <param name="pass">Of so many bytes that came, how many pass; fewer cut the connection behind them.</param>
    public CuttingProxy(Uri target, Func<int, int> pass)
    {
        (_target, _pass) = (target, pass);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                await Task.WhenAny(CopyAsync(client, server, length => length), CopyAsync(server, client, _pass));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                // Neither side is there any more.
            }

            // At once and without a word, as a process that was killed ends.
            client.LingerState = new LingerOption(true, 0);
            server.LingerState = new LingerOption(true, 0);
        }
    }

    private async Task CopyAsync(Socket from, Socket to, Func<int, int> pass)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var length)
            {
                var passing = pass(length);
                for (var sent = 0; sent < passing;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, passing - sent), _stop.Token);
                if (passing < length)
                    return;
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other direction has ended the connection.
        }
    }
}
