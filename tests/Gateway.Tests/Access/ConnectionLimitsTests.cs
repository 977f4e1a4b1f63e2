using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Access;

/// <summary>What Kestrel is told of slow and many connections; that it holds to it is its own affair.</summary>
public sealed class ConnectionLimitsTests
{
    [Fact]
    public async Task Kestrel_ByDefault_BoundsHeadersBodiesAndConnections()
    {
        var limits = await LimitsAsync([]);

        Assert.Equal((30, 240, 5), (limits.RequestHeadersTimeout.TotalSeconds, limits.MinRequestBodyDataRate!.BytesPerSecond,
            limits.MinRequestBodyDataRate.GracePeriod.TotalSeconds));
        Assert.Equal(10_000, limits.MaxConcurrentConnections);
        Assert.NotNull(limits.MinResponseDataRate);
        Assert.InRange(limits.MaxRequestHeadersTotalSize, 1, 64 * 1024);
    }

    [Fact]
    public async Task Kestrel_BySettings_HasTheirs()
    {
        var limits = await LimitsAsync(new()
        {
            ["HeadersSecondsMax"] = "7",
            ["BodyBytesPerSecondMin"] = "1000",
            ["BodyGraceSeconds"] = "9",
            ["ConnectionsMax"] = "12",
        });
        var none = await LimitsAsync(new() { ["BodyBytesPerSecondMin"] = "0", ["ConnectionsMax"] = "0" });

        Assert.Equal((7, 1000, 9, 12), (limits.RequestHeadersTimeout.TotalSeconds, limits.MinRequestBodyDataRate!.BytesPerSecond,
            limits.MinRequestBodyDataRate.GracePeriod.TotalSeconds, limits.MaxConcurrentConnections!.Value));
        Assert.Null(none.MinRequestBodyDataRate);
        Assert.Null(none.MaxConcurrentConnections);
    }

    private static async Task<KestrelServerLimits> LimitsAsync(Dictionary<string, string?> settings)
    {
        await using var host = await GatewayHost.StartAsync(settings, onSockets: true);
        return host.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
    }
}
