using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>Tools and what was called before: the model's own text is never refused, the caller's is by its field.</summary>
public sealed class ToolFieldsTests
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("null", "")]
    [InlineData("\"null\"", "null")]
    [InlineData("\"{\\\"a\\\":\"", "{\"a\":")]
    [InlineData("{\"a\": 1}", "{\"a\": 1}")]
    [InlineData("7", "")]
    [InlineData("[1]", "")]
    public async Task Post_ToolArgumentsInHistory_AreNeverRefused(string arguments, string expected)
    {
        await using var host = await GatewayHost.StartAsync();
        var body = $$$"""
            {"messages":[{"role":"user","content":"Hi"},
              {"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":{{{arguments}}}}}]},
              {"role":"tool","tool_call_id":"c1","content":"ok"}]}
            """;

        using var response = await PostAsync(host, body);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(expected, Assert.Single(host.Tokenizer.Chats).Messages[1].ToolCalls[0].ArgumentsJson);
    }

    [Fact]
    public async Task Post_ToolNestedTooDeeply_IsRefusedByItsField()
    {
        await using var host = await GatewayHost.StartAsync();
        var schema = string.Concat(Enumerable.Repeat("{\"a\":", 200)) + "1" + new string('}', 200);

        var tool = $"{{\"type\":\"function\",\"function\":{{\"name\":\"f\",\"parameters\":{schema}}}}}";
        using var response = await PostAsync(host, $"{{{Messages},\"tools\":[{tool}]}}");

        var error = (await ReadAsync(response)).GetProperty("error").GetProperty("message").GetString();
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("tools[0] is nested too deeply", error);
    }

    private static async Task<HttpResponseMessage> PostAsync(GatewayHost host, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await host.Http().PostAsync("/v1/chat/completions", content);
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
}
