using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Ollama;

/// <summary>Requests sent as Ollama's clients, and its documentation's curl, send them.</summary>
internal static class OllamaCalls
{
    public const string Messages = "\"model\":\"fake\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    public const string Prompt = "\"model\":\"fake\",\"prompt\":\"Hi\"";

    /// <summary>One object, whatever it is.</summary>
    public static async Task<(int Status, JsonElement Body, HttpResponseMessage Response)> PostAsync(
        GatewayHost host, string path, string fields)
    {
        using var content = new StringContent($"{{{fields}}}", Encoding.UTF8, "application/x-www-form-urlencoded");
        var response = await host.Http().PostAsync(path, content);
        return ((int)response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement, response);
    }

    /// <summary>The lines of a stream.</summary>
    public static async Task<List<JsonElement>> StreamAsync(GatewayHost host, string path, string fields)
    {
        using var content = new StringContent($"{{{fields}}}", Encoding.UTF8, "application/json");
        using var response = await host.Http().PostAsync(path, content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType?.MediaType);
        return Lines(text);
    }

    public static List<JsonElement> Lines(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    /// <summary>The text of a key of all messages.</summary>
    public static string Joined(IEnumerable<JsonElement> lines, string key) => string.Concat(
        lines.Select(line => line.GetProperty("message").TryGetProperty(key, out var text) ? text.GetString() : ""));
}
