using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>Bodies that nobody would write: each is answered or refused in OpenAI's shape, and none is a fault of ours.</summary>
public sealed class FuzzedBodyTests
{
    private static readonly string[] Names =
    [
        "model", "messages", "prompt", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "n",
        "best_of", "echo", "logprobs", "top_logprobs", "stop", "stream", "stream_options", "max_tokens", "max_output_tokens",
        "seed", "store",
        "metadata", "previous_response_id", "truncation", "text", "reasoning", "include", "service_tier", "prediction",
        "logit_bias", "user",
        "response_format", "suffix", "options", "extra_body", "chat_template_kwargs", "tokens", "content", "add_special_tokens",
        "role", "type",
        "name", "function", "arguments", "call_id", "output", "id", "schema", "format", "json_schema", "summary", "status", "tool_calls",
        "tool_call_id", "guided_json", "bad_words", "dry_multiplier", "thinking", "documents", "conversation", "background", "with_pieces",
    ];

    private static readonly string[] Words =
    [
        "user", "assistant", "system", "tool", "message", "function", "function_call", "function_call_output", "reasoning",
        "item_reference", "compaction", "input_text", "text", "auto", "none", "required", "json_schema", "json_object",
        "resp_00000000000000000000000000000000",
        "msg_000000000000000000000000000000008000", "", "fake", "other", "a", "é\\u0000", "😀", "low", "flex",
        "message.output_text.logprobs",
    ];

    [Theory]
    [InlineData("/v1/chat/completions", 1)]
    [InlineData("/v1/completions", 2)]
    [InlineData("/v1/responses", 3)]
    [InlineData("/v1/responses/input_tokens", 4)]
    [InlineData("/v1/responses/compact", 7)]
    [InlineData("/tokenize", 5)]
    [InlineData("/detokenize", 6)]
    public async Task Post_AnyBody_IsAnsweredOrRefused(string path, int seed)
    {
        await using var host = await GatewayHost.StartAsync();
        var http = host.Http();
        var random = new Random(seed);
        for (var number = 0; number < 250; number++)
        {
            var body = Body(random);
            using var response = await http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
            var text = await response.Content.ReadAsStringAsync();
            Assert.True((int)response.StatusCode < 500, $"{body}\n{text}");
            if (response.StatusCode == HttpStatusCode.OK)
                continue;
            using var error = JsonDocument.Parse(text);
            Assert.False(string.IsNullOrEmpty(error.RootElement.GetProperty("error").GetProperty("message").GetString()), body);
        }

        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]")]
    [InlineData("/v1/completions", "\"prompt\":\"Hi\"")]
    [InlineData("/v1/responses", "\"input\":\"Hi\"")]
    [InlineData("/tokenize", "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]")]
    public async Task Post_DeepValues_AreAnsweredOrRefused(string path, string needed)
    {
        await using var host = await GatewayHost.StartAsync();
        foreach (var depth in new[] { 60, 130, 900, 1015, 1500 })
        {
            var deep = string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
            foreach (var field in new[]
            {
                $"\"tools\":[{{\"type\":\"function\",\"name\":\"f\",\"parameters\":{deep}}}]",
                $"\"tools\":[{{\"type\":\"function\",\"x\":1,\"function\":{{\"name\":\"f\",\"parameters\":{deep}}}}}]",
                $"\"chat_template_kwargs\":{deep},\"reasoning_effort\":\"low\"",
                $"\"text\":{{\"format\":{{\"type\":\"json_schema\",\"schema\":{deep}}}}}",
                $"\"guided_json\":{deep}",
                $"\"metadata\":{deep}",
                $"\"unknown\":{deep}",
            })
            {
                using var response = await host.Http().PostAsync(
                    path, new StringContent($"{{{needed},{field}}}", Encoding.UTF8, "application/json"));
                var text = await response.Content.ReadAsStringAsync();
                Assert.True((int)response.StatusCode < 500, $"{depth} {field[..20]}: {text}");
                if (path != "/v1/responses" || !response.IsSuccessStatusCode)
                    continue;
                using var kept = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1200 });
                using var again = await host.Http().GetAsync($"/v1/responses/{kept.RootElement.GetProperty("id").GetString()}");
                Assert.Equal(text, await again.Content.ReadAsStringAsync());
            }
        }

        host.Logs.AssertNoErrors();
    }

    /// <summary>Now and then what a good request has, so that the rest of it is read on.</summary>
    private static string Body(Random random)
    {
        if (random.Next(20) == 0)
            return Value(random, 0);
        var members = new Dictionary<string, string>();
        if (random.Next(3) > 0)
        {
            members["messages"] = """[{"role":"user","content":"Hi"}]""";
            members[random.Next(2) == 0 ? "prompt" : "tokens"] = random.Next(2) == 0 ? "\"Hi\"" : "[72,105]";
            members["input"] = "\"Hi\"";
        }

        for (var count = random.Next(4); count >= 0; count--)
            members[Names[random.Next(Names.Length)]] = Value(random, 0);
        // A field that a route refuses would hide the others.
        if (random.Next(2) == 0)
            members.Remove("messages");
        return "{" + string.Join(',', members.Select(member => $"\"{member.Key}\":{member.Value}")) + "}";
    }

    private static string Value(Random random, int depth) => random.Next(depth > 3 ? 7 : 10) switch
    {
        0 => "null",
        1 => random.Next(2) == 0 ? "true" : "false",
        2 => random.Next(-3, 30).ToString(CultureInfo.InvariantCulture),
        3 => new[] { "1e400", "-0.0", "0.5", "18446744073709551616", "1e-400", "-1", "4294967296", "9007199254740993" }[random.Next(8)],
        4 or 5 or 6 => $"\"{Words[random.Next(Words.Length)]}\"",
        7 => "[" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth + 1))) + "]",
        _ => "{" + string.Join(',', Enumerable.Range(0, random.Next(5)).Select(_ => Names[random.Next(Names.Length)]).Distinct()
            .Select(name => $"\"{name}\":{Value(random, depth + 1)}")) + "}",
    };
}
