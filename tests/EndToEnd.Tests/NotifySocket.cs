using System.Net.Sockets;
using System.Text;

namespace Parley.EndToEnd.Tests;

/// <summary>systemd's end of a service's notices: a datagram socket whose messages are lines of NAME=value.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public NotifySocket(string folder)
    {
        Path = System.IO.Path.Combine(folder, "notify");
        _socket.Bind(new UnixDomainSocketEndPoint(Path));
    }

    public string Path { get; }

    /// <summary>Returns once a notice with this line has come; what came before it is passed over.</summary>
    public async Task WaitForAsync(string line)
    {
        using var hang = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var buffer = new byte[4096];
        while (true)
        {
            var length = await _socket.ReceiveAsync(buffer, hang.Token);
            if (Encoding.UTF8.GetString(buffer, 0, length).Split('\n').Contains(line))
                return;
        }
    }

    public void Dispose() => _socket.Dispose();
}
