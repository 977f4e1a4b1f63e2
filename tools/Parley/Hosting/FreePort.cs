using System.Net;
using System.Net.Sockets;

namespace Parley.Cli.Hosting;

/// <summary>Looks at a port before minutes are spent on importing a model for it.</summary>
internal static class FreePort
{
    /// <exception cref="UserErrorException">Something listens there already.</exception>
    public static void Require(int port, string option)
    {
        if (port == 0)
            return;
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
        }
        catch (SocketException exception)
        {
            throw new UserErrorException(
                $"Port {port} cannot be had ({exception.Message}); choose another with {option}, or 0 for a free one.");
        }
    }
}
