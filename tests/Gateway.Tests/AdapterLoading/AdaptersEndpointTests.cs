using System.Net.Http.Json;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.AdapterLoading;

/// <summary>Loading adapters for callers: only where a setting allows it and the caller has a key.</summary>
public sealed class AdaptersEndpointTests
{
    private static readonly Dictionary<string, string?> Allowed = new() { ["AllowAdapterLoading"] = "true", ["ApiKey"] = "pk-one" };

    [Fact]
    public async Task Adapters_WhereItIsAllowed_ComeAndGo()
    {
        await using var host = await GatewayHost.StartAsync(Allowed);

        var loaded = await PostAsync(host, "load", new { lora_name = "poet", lora_path = "v1" });
        var again = await PostAsync(host, "load", new { lora_name = "poet", lora_path = "v2", load_inplace = true });
        var unloaded = await PostAsync(host, "unload", new { lora_name = "poet", lora_int_id = 3 });
        var gone = await PostAsync(host, "unload", new { lora_name = "poet" });

        Assert.Equal((200, 200, 200, 404), (loaded.Status, again.Status, unloaded.Status, gone.Status));
        Assert.Equal(("poet", false), (loaded.Body.GetProperty("id").GetString(), loaded.Body.GetProperty("replaced").GetBoolean()));
        Assert.True(again.Body.GetProperty("replaced").GetBoolean());
        Assert.Equal(2, again.Body.GetProperty("sequences_left").GetInt32());
        Assert.False(unloaded.Body.GetProperty("loaded").GetBoolean());
        Assert.Equal(1, unloaded.Body.GetProperty("sequences_left").GetInt32());
        Assert.Equal("lora_name", gone.Body.GetProperty("error").GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("AllowAdapterLoading", null, "Gateway:AllowAdapterLoading allows it")]
    [InlineData("ApiKey", null, "only for callers with a key")]
    public async Task Adapters_WhereItIsNotAllowed_Are403WithTheReason(string setting, string? value, string reason)
    {
        await using var host = await GatewayHost.StartAsync(new(Allowed) { [setting] = value });
        host.Generator.Adapters.Add("poet");

        foreach (var (verb, body) in new (string, object)[]
        {
            ("load", new { lora_name = "other", lora_path = "v1" }), ("unload", new { lora_name = "poet" }),
        })
        {
            var answer = await PostAsync(host, verb, body);
            Assert.Equal(403, answer.Status);
            Assert.Contains(reason, answer.Body.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal(["poet"], host.Generator.Adapters);
    }

    [Fact]
    public async Task Adapters_WithoutTheKey_Are401()
    {
        await using var host = await GatewayHost.StartAsync(Allowed);

        using var response = await host.Http().PostAsJsonAsync("/v1/load_lora_adapter", new { lora_name = "a", lora_path = "b" });

        Assert.Equal(401, (int)response.StatusCode);
        Assert.Empty(host.Generator.Adapters);
    }

    [Fact]
    public async Task Load_WithWhatIsWrong_NamesTheFields()
    {
        await using var host = await GatewayHost.StartAsync(Allowed);

        var missing = await PostAsync(host, "load", new { lora_name = 1 });
        var refused = await PostAsync(host, "load", new { lora_name = "poet", lora_path = "missing" });

        Assert.Equal((400, 400), (missing.Status, refused.Status));
        var message = missing.Body.GetProperty("error").GetProperty("message").GetString();
        Assert.Contains("lora_name", message, StringComparison.Ordinal);
        Assert.Contains("lora_path", message, StringComparison.Ordinal);
        Assert.Equal("lora_path", refused.Body.GetProperty("error").GetProperty("param").GetString());
        Assert.Contains("there is no such folder", refused.Body.GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal);
    }

    private static async Task<(int Status, JsonElement Body)> PostAsync(GatewayHost host, string verb, object body)
    {
        var http = host.Http();
        http.DefaultRequestHeaders.Add("Authorization", "Bearer pk-one");
        using var response = await http.PostAsJsonAsync($"/v1/{verb}_lora_adapter", body);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }
}
