using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Access;

/// <summary>
/// What one connection may take of the server before it is known who calls: time for headers, speed of bodies, places. Kestrel holds to
/// them; who reads answers too slowly is <see cref="GatewayOptions.SlowReaderSeconds"/>'s.
/// </summary>
internal sealed class ConnectionLimits(IOptions<GatewayOptions> options) : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions kestrel)
    {
        var (limits, ours) = (kestrel.Limits, options.Value);
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(ours.HeadersSecondsMax);
        limits.MinRequestBodyDataRate = ours.BodyBytesPerSecondMin > 0
            ? new MinDataRate(ours.BodyBytesPerSecondMin, TimeSpan.FromSeconds(ours.BodyGraceSeconds))
            : null;
        limits.MaxConcurrentConnections = ours.ConnectionsMax > 0 ? ours.ConnectionsMax : null;
    }
}
