using System.Net;
using System.Net.Sockets;

namespace Parley.Cli.Hosting;

/// <summary>Looks at a port before minutes are spent on importing a model for it.</summary>
internal static class FreePort
{
    /// <exception cref="UserErrorException">There is no such port.</exception>
    public static void RequireRange(int port, string option)
    {
        if (port is < 0 or > IPEndPoint.MaxPort)
            throw new UserErrorException($"{option} is {port}; it goes from 0 to {IPEndPoint.MaxPort}.");
    }

    /// <exception cref="UserErrorException">Something listens there already, or there is no such port.</exception>
    public static void Require(IReadOnlyList<IPAddress> addresses, int port, string option)
    {
        RequireRange(port, option);
        if (port == 0)
            return;
        foreach (var address in addresses)
        {
            using var listener = new TcpListener(address, port);
            try
            {
                listener.Start();
            }
            catch (SocketException exception)
            {
                throw new UserErrorException(
                    $"Port {port} of {address} cannot be had ({exception.Message}); choose another with {option}, or 0 for a free one.");
            }
        }
    }
}
