using Grpc.Health.V1;
using Parley.Gateway.Tests.Doubles;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Parley.Gateway.Tests;

public sealed class UpstreamHealthCheckTests
{
    private static async Task<ServingStatus> CheckAsync(GatewayHost host, string service) =>
        (await new Health.HealthClient(host.Channel()).CheckAsync(new HealthCheckRequest { Service = service })).Status;

    [Fact]
    public async Task Readiness_ServicesComeLater_TurnsServing()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Missing.Add("generator"));

        var before = await CheckAsync(host, "readiness");
        host.Missing.Clear();
        var after = await CheckAsync(host, "readiness");

        Assert.Equal((ServingStatus.NotServing, ServingStatus.Serving), (before, after));
        Assert.Contains(host.Logs.Entries, line => line.Contains(
            "Not ready: The Generator at http://generator answered Unavailable", StringComparison.Ordinal));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Readiness_TokenizersDiffer_IsNotServing()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Tokenizer.Sha256 = "cc33");

        Assert.Equal(ServingStatus.NotServing, await CheckAsync(host, "readiness"));
        Assert.Equal(ServingStatus.Serving, await CheckAsync(host, "liveness"));
        Assert.Contains(
            host.Logs.Entries, line => line.Contains("cc33", StringComparison.Ordinal) && line.Contains("aa11", StringComparison.Ordinal));
        host.Logs.AssertNoErrors();
    }
}
