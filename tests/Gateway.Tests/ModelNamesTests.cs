using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests;

/// <summary>Under which names the one model is served.</summary>
public sealed class ModelNamesTests
{
    private static Task<HttpResponseMessage> AskAsync(GatewayHost host, string model) => host.Http().PostAsJsonAsync(
        "/v1/chat/completions", new { model, messages = new[] { new { role = "user", content = "Hi" } } });

    private static async Task<string[]> ListAsync(GatewayHost host) =>
        [.. (await host.Http().GetFromJsonAsync<JsonElement>("/v1/models")).GetProperty("data").EnumerateArray()
            .Select(model => model.GetProperty("id").GetString()!)];

    [Theory]
    [InlineData("org/house", "org/house")]
    [InlineData("org/house, gpt-4o-mini ,b", "org/house|gpt-4o-mini|b")]
    public async Task Names_OfTheGateway_ReplaceTheGenerators(string option, string expected)
    {
        await using var host = await GatewayHost.StartAsync(new() { ["ModelName"] = option });
        var names = expected.Split('|');

        Assert.Equal(names, await ListAsync(host));
        foreach (var name in names)
        {
            using var one = await host.Http().GetAsync("/v1/models/" + name);
            using var answer = await AskAsync(host, name);
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (one.StatusCode, answer.StatusCode));
            Assert.Equal(names[0], (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("model").GetString());
            // The Generator is asked by the name that it gave itself.
            Assert.Equal("fake", host.Generator.Requests.Last().Model);
        }

        using var other = await AskAsync(host, "fake");
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.Contains("the model is 'org/house'", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_OfTheGenerator_AreTakenOver()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Aliases = ["other"]);

        using var answer = await AskAsync(host, "other");

        Assert.Equal(["fake", "other"], await ListAsync(host));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("fake", host.Generator.Requests.Last().Model);
    }
}
