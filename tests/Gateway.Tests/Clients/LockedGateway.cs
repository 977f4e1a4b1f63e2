using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Access;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Clients;

/// <summary>A Gateway on sockets that wants the key <c>pk-one</c> and lets it ask once.</summary>
internal static class LockedGateway
{
    /// <param name="origins">Whose pages may ask it.</param>
    public static Task<GatewayHost> StartAsync(string origins = "*") => GatewayHost.StartAsync(
        new()
        {
            ["Keys:one:Hash"] = KeyHash.Of("pk-one"),
            ["Keys:one:Limits"] = "once",
            ["Limits:once:RequestsPerMinute"] = "1",
            ["CorsOrigins"] = origins,
        },
        // It stands still; deadlines of calls go by the real clock, so it stands near that one.
        new FakeTimeProvider(DateTimeOffset.UtcNow), AskedAnswers.Arrange, onSockets: true);
}
