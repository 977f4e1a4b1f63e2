using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.ResponsesApi;

/// <summary>What tests of <c>/v1/responses</c> send and read.</summary>
internal static class ResponsesHost
{
    public const string Hermes = "<|im_start|>assistant <think> <tool_call>";

    public const string Weather = """
        {"type":"function","name":"get_weather","description":"Looks.","strict":true,
         "parameters":{"type":"object","properties":{"city":{"type":"string"}}}}
        """;

    public const string Call = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>";

    public static async Task<JsonElement> PostAsync(
        this GatewayHost host, string body, HttpStatusCode status = HttpStatusCode.OK, string path = "/v1/responses")
    {
        using var response = await host.Http().PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        return await ReadAsync(response, status);
    }

    public static async Task<JsonElement> GetAsync(this GatewayHost host, string path, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var response = await host.Http().GetAsync(path);
        return await ReadAsync(response, status);
    }

    public static async Task<JsonElement> ReadAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>The events of a stream, each held to its own name and number.</summary>
    public static async Task<List<JsonElement>> StreamAsync(this GatewayHost host, string body)
    {
        using var response = await host.Http().PostAsync("/v1/responses", new StringContent(body, Encoding.UTF8, "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return Events(text);
    }

    public static List<JsonElement> Events(string text)
    {
        var events = new List<JsonElement>();
        foreach (var block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(block => !block.StartsWith(':')))
        {
            var lines = block.Split('\n');
            Assert.Equal(2, lines.Length);
            var data = JsonDocument.Parse(lines[1]["data: ".Length..]).RootElement;
            Assert.Equal($"event: {data.GetProperty("type").GetString()}", lines[0]);
            Assert.Equal(events.Count, data.GetProperty("sequence_number").GetInt32());
            events.Add(data);
        }

        return events;
    }

    public static string TypeOf(JsonElement one) => one.GetProperty("type").GetString()!;

    public static string Text(this JsonElement response) => string.Concat(response.GetProperty("output").EnumerateArray()
        .Where(item => TypeOf(item) == "message").Select(item => item.GetProperty("content")[0].GetProperty("text").GetString()));

    public static string Id(this JsonElement one) => one.GetProperty("id").GetString()!;
}
