using System.Net;

namespace Parley.Gateway.Upstream;

/// <summary>Gives all addresses of a host's name; tests put their own here.</summary>
internal delegate Task<IPAddress[]> HostLookup(string host, CancellationToken cancellationToken);
