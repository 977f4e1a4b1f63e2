using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests;

/// <summary>
/// The requests of other clients that were collected beside this repository, on the demo model; what they stand for is in
/// <c>Gateway.Tests</c> case by case.
/// </summary>
[Collection(DemoCollection.Name)]
public sealed class ApiCaseTests(DemoSystem system)
{
    /// <summary>Cases that need a template with tools.</summary>
    private const string ToolCases = "tool round trip";

    [Fact]
    public async Task ChatCompletions_EveryCollectedCase_AnswersAsExpected()
    {
        var path = Path.GetFullPath(Path.Combine(Shared.Fixtures, "..", "cases", "api.json"));
        Assert.SkipUnless(File.Exists(path), $"The cases {path} are missing.");
        var faults = new List<string>();
        foreach (var one in JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsArray())
        {
            var (name, expected) = ((string)one!["name"]!, (string)one["expect"]!);
            if ((string)one["path"]! != "/v1/chat/completions" || one["body"] is not JsonObject body)
            {
                if (await RouteFaultAsync((string)one["method"]!, (string)one["path"]!, one["body"]) is { } fault)
                    faults.Add($"{name}: {fault}");
                continue;
            }

            if ((string)one["kind"]! == ToolCases)
                continue;
            body["seed"] = 1;
            var (status, text, told) = await PostAsync(body);
            var wanted = expected.StartsWith("400", StringComparison.Ordinal) || name.StartsWith("tools that", StringComparison.Ordinal)
                ? HttpStatusCode.BadRequest : HttpStatusCode.OK;
            if (status != wanted)
                faults.Add($"{name}: {(int)status} {text}");
            else if (expected.Contains("same answer", StringComparison.Ordinal)
                && Answer(text) != Answer((await PostAsync(Plain(body))).Text))
                faults.Add($"{name}: another answer than without");
            else if (name == "unknown field" && told != "foo")
                faults.Add($"{name}: told '{told}'");
        }

        Assert.True(faults.Count == 0, string.Join("\n", faults));
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task ChatCompletions_FieldsThatAskForNothing_GiveTheSameAnswerAsWithout()
    {
        var body = JsonNode.Parse("""
            {"messages": [{"role": "user", "content": "What is the capital of France?", "id": "m", "thinking": null}], "seed": 1,
             "max_tokens": 8, "reasoning_effort": "low", "parallel_tool_calls": false, "verbosity": "medium", "functions": [],
             "function_call": "none", "best_of": 1, "echo": false, "cache_prompt": true, "repeat_penalty": 1, "num_ctx": 4096,
             "keep_alive": "5m", "think": false, "prediction": {"type": "content", "content": "Paris"}, "skip_special_tokens": true,
             "add_special_tokens": false, "mirostat": 0, "options": {}, "usage": {"include": true}, "request_id": "a-1"}
            """)!.AsObject();

        var with = await PostAsync(body);
        var without = await PostAsync(Plain(body));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, ""), (with.Status, without.Status, with.Told));
        Assert.Equal(Answer(without.Text), Answer(with.Text));
        Assert.NotEmpty(Answer(with.Text));
    }

    /// <summary>Cases of other routes; null where one is as it should be.</summary>
    private async Task<string?> RouteFaultAsync(string method, string path, JsonNode? body)
    {
        using var http = new HttpClient { BaseAddress = system.Http };
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        if (method == "OPTIONS")
        {
            request.Headers.Add("Origin", "https://elsewhere.example");
            request.Headers.Add("Access-Control-Request-Method", "POST");
        }

        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var (wanted, words) = (method, path) switch
        {
            ("OPTIONS", _) => (HttpStatusCode.Forbidden, ""),
            (_, "/chat/completions") => (HttpStatusCode.NotFound, "/v1"),
            (_, "/v1/responses") => (HttpStatusCode.OK, "output_text"),
            (_, "/v1/completions") => (HttpStatusCode.OK, "text_completion"),
            _ => (HttpStatusCode.OK, ""),
        };
        return response.StatusCode == wanted && text.Contains(words, StringComparison.Ordinal)
            ? null : $"{(int)response.StatusCode} {text}";
    }

    private static JsonObject Plain(JsonObject body) => new()
    {
        ["messages"] = new JsonArray(new JsonObject
        {
            ["role"] = "user",
            ["content"] = body["messages"]![0]!["content"]!.DeepClone(),
        }),
        ["max_tokens"] = (int)body["max_tokens"]! is var limit and > 0 ? limit : null,
        ["seed"] = 1,
    };

    private static string Answer(string completion) =>
        JsonDocument.Parse(completion).RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;

    private async Task<(HttpStatusCode Status, string Text, string Told)> PostAsync(JsonObject body)
    {
        using var http = new HttpClient { BaseAddress = system.Http };
        using var response = await http.PostAsync(
            "/v1/chat/completions", new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));
        var told = response.Headers.TryGetValues("X-Parley-Ignored-Fields", out var names) ? string.Concat(names) : "";
        return (response.StatusCode, await response.Content.ReadAsStringAsync(), told);
    }
}
