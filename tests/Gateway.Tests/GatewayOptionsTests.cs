using Microsoft.Extensions.Options;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests;

public sealed class GatewayOptionsTests
{
    [Theory]
    [InlineData("TokenizerAddress", "", "TokenizerAddress")]
    [InlineData("GeneratorAddress", "localhost:5083", "Gateway:GeneratorAddress must be an absolute http or https address")]
    [InlineData("ChoicesMax", "0", "ChoicesMax")]
    [InlineData("ConcurrentChoicesMax", "4", "Gateway:ChoicesMax (16) must not exceed Gateway:ConcurrentChoicesMax (4)")]
    [InlineData("KeepAliveSeconds", "-1", "KeepAliveSeconds")]
    public async Task Start_BadOption_FailsNamingIt(string key, string value, string named)
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(async () =>
        {
            await using var host = await GatewayHost.StartAsync(new() { [key] = value });
        });

        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NullsForWhatIsNotSet_Starts()
    {
        await using var host = await GatewayHost.StartAsync(
            new()
            {
                ["ApiKey"] = null,
                ["ApiKeyFile"] = null,
                ["ModelName"] = null,
                ["CorsOrigins"] = null,
                ["Oidc:Authority"] = null,
                ["Oidc:NameClaim"] = null,
                ["Limits:default:Models"] = null,
                ["Limits:default:MessagesMax"] = "9",
            });

        using var models = await host.Http().GetAsync("/v1/models", TestContext.Current.CancellationToken);
        Assert.True(models.IsSuccessStatusCode);
    }
}
