using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests;

/// <summary>Bodies that nobody would write: whatever is in them is answered or refused, is no fault of ours, and holds no place.</summary>
public sealed class HostileBodiesTests
{
    private const int Bodies = 400;

    private static readonly string[] Names =
    [
        "model", "messages", "prompt", "system", "max_tokens", "stop_sequences", "tools", "tool_choice", "thinking", "stream",
        "options", "format", "think", "keep_alive", "context", "raw", "role", "content", "type", "text", "tool_use_id", "id",
        "name", "input", "source", "data", "function", "arguments", "tool_calls", "tool_name", "images", "output_config",
        "schema", "effort", "display", "budget_tokens", "num_ctx", "num_predict", "temperature", "seed", "logprobs",
        "top_logprobs", "context_management", "edits", "input_schema", "eager_input_streaming", "disable_parallel_tool_use",
        "mcp_servers", "truncate", "description", "parameters", "suffix", "", "x",
    ];

    private static readonly string[] Texts =
    [
        "user", "assistant", "tool", "system", "text", "tool_use", "tool_result", "thinking", "redacted_thinking", "image", "document",
        "any", "auto", "none", "enabled", "adaptive", "omitted", "json", "json_schema", "function", "custom", "fake",
        "fake:latest", "0s", "1h", "{}",
        "{\"type\":\"object\"}", "", "\u0000", "\ud83d\ude00", "a\"b\\", "-1",
    ];

    private static readonly string[] Numbers =
        ["0", "1", "-1", "7", "1346458161", "1e400", "-0.5", "0.25", "18446744073709551616", "2147483648"];

    [Theory]
    [InlineData("/v1/messages")]
    [InlineData("/v1/messages/count_tokens")]
    [InlineData("/api/chat")]
    [InlineData("/api/generate")]
    [InlineData("/api/show")]
    [InlineData("/api/pull")]
    public async Task Post_AnyBody_IsNoFaultOfOurs(string path)
    {
        await using var host = await GatewayHost.StartAsync();
        var http = host.Http();
        var random = new Random(path.Length);
        for (var number = 0; number < Bodies; number++)
        {
            var body = number % 8 == 0 ? Broken(random, Value(random, 4)) : Request(random);
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await http.PostAsync(path, content);
            var text = await response.Content.ReadAsStringAsync();

            Assert.True((int)response.StatusCode is 200 or >= 400 and < 500, $"{response.StatusCode} for {body}: {text}");
            if ((int)response.StatusCode >= 400)
                Assert.True(JsonDocument.Parse(text).RootElement.TryGetProperty("error", out _), text);
        }

        host.Logs.AssertNoErrors();
        await host.AssertIdleAsync();
    }

    /// <summary>An object that begins like a request, with members that may be anything.</summary>
    private static string Request(Random random)
    {
        var members = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["max_tokens"] = "5",
            ["messages"] = "[{\"role\":\"user\",\"content\":\"Hi\"}]",
            ["prompt"] = "\"Hi\"",
            ["stream"] = random.Next(2) == 0 ? "true" : "false",
        };
        for (var count = random.Next(4); count >= 0; count--)
            members[Names[random.Next(Names.Length)]] = Value(random, 4);
        if (random.Next(3) == 0)
            members["messages"] = $"[{string.Join(',', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Turn(random)))}]";
        return $"{{{string.Join(',', members.Select(member => $"{JsonSerializer.Serialize(member.Key)}:{member.Value}"))}}}";
    }

    private static string Turn(Random random) =>
        $"{{\"role\":{JsonSerializer.Serialize(Texts[random.Next(4)])},\"content\":[{Part(random)},{Part(random)}],"
        + $"{JsonSerializer.Serialize("x" + Names[random.Next(Names.Length)])}:{Value(random, 2)}}}";

    private static string Part(Random random) =>
        $"{{\"type\":{JsonSerializer.Serialize(Texts[random.Next(4, 11)])},\"text\":\"a\",\"id\":\"i\","
        + $"\"tool_use_id\":\"i\",\"name\":\"n\",\"thinking\":\"t\",\"input\":{Value(random, 2)},\"content\":{Value(random, 2)}}}";

    private static string Value(Random random, int depth) => random.Next(depth > 0 ? 8 : 5) switch
    {
        0 => "null",
        1 => random.Next(2) == 0 ? "true" : "false",
        2 => Numbers[random.Next(Numbers.Length)],
        3 or 4 => JsonSerializer.Serialize(Texts[random.Next(Texts.Length)]),
        5 => $"[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1)))}]",
        _ => $"{{{string.Join(',', Names.OrderBy(_ => random.Next()).Take(random.Next(5)).Select(
            name => $"{JsonSerializer.Serialize(name)}:{Value(random, depth - 1)}"))}}}",
    };

    /// <summary>JSON that lost a part of itself.</summary>
    private static string Broken(Random random, string json)
    {
        var at = random.Next(json.Length);
        return json.Remove(at, random.Next(1, json.Length - at + 1));
    }
}
