using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Parley.Embedded.Hosting;

/// <summary>An endpoint of a service.</summary>
/// <param name="Places">Where it listens; the first is the one that is told.</param>
/// <param name="Protocols">What it speaks.</param>
internal sealed record ServiceEndpoint(IReadOnlyList<EndPoint> Places, HttpProtocols Protocols)
{
    /// <summary>An endpoint on one port of several addresses; port 0 takes a free one, of the first address alone.</summary>
    public static ServiceEndpoint OnPort(IReadOnlyList<IPAddress> addresses, int port, HttpProtocols protocols) =>
        new([.. addresses.Take(port == 0 ? 1 : addresses.Count).Select(address => new IPEndPoint(address, port))], protocols);
}
