using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Anthropic;

/// <summary>Messages sent as Anthropic's clients send them.</summary>
internal static class AnthropicCalls
{
    public const string Minimal = "\"model\":\"fake\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    public static async Task<(int Status, JsonElement Body, HttpResponseMessage Response)> PostAsync(
        GatewayHost host, string fields, string path = "/v1/messages")
    {
        using var content = new StringContent($"{{{fields}}}", Encoding.UTF8, "application/json");
        var response = await host.Http().PostAsync(path, content);
        return ((int)response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement, response);
    }

    /// <summary>The events of a stream, each with its name.</summary>
    public static async Task<List<(string Name, JsonElement Data)>> StreamAsync(GatewayHost host, string fields)
    {
        using var content = new StringContent($"{{{fields},\"stream\":true}}", Encoding.UTF8, "application/json");
        using var response = await host.Http().PostAsync("/v1/messages", content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return Events(text);
    }

    public static List<(string Name, JsonElement Data)> Events(string text)
    {
        var events = new List<(string, JsonElement)>();
        foreach (var one in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = one.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.StartsWith("event: ", lines[0], StringComparison.Ordinal);
            Assert.StartsWith("data: ", lines[1], StringComparison.Ordinal);
            var data = JsonDocument.Parse(lines[1]["data: ".Length..]).RootElement;
            Assert.Equal(lines[0]["event: ".Length..], data.GetProperty("type").GetString());
            events.Add((data.GetProperty("type").GetString()!, data));
        }

        return events;
    }

    /// <summary>The text of all deltas of a type.</summary>
    public static string Joined(IEnumerable<(string Name, JsonElement Data)> events, string type, string key) => string.Concat(
        events.Where(one => one.Name == "content_block_delta").Select(one => one.Data.GetProperty("delta"))
            .Where(delta => delta.GetProperty("type").GetString() == type).Select(delta => delta.GetProperty(key).GetString()));
}
