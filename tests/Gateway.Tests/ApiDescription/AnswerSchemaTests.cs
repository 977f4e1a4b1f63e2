using System.Text.Json.Nodes;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>What the Gateway answers is what the document says: statuses, headers, and every member of every object.</summary>
public sealed class AnswerSchemaTests
{
    /// <summary>Headers that any server sends.</summary>
    private static readonly string[] Common =
        ["content-type", "content-length", "transfer-encoding", "date", "cache-control", "x-accel-buffering", "allow", "etag",
            "x-content-type-options", "content-security-policy", "referrer-policy", "vary"];

    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["ApiKey"] = "secret-key",
        ["AllowAdapterLoading"] = "true",
        ["Limits:default:RequestsPerMinute"] = "100000",
        ["Limits:default:TokensPerMinute"] = "10000000",
    };

    private const string Weather = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{}}}]";

    private static readonly string[] Chats =
    [
        """{"messages":[{"role":"user","content":"Hi"}]}""",
        """{"messages":[{"role":"user","content":"Hi"}],"logprobs":true,"top_logprobs":2,"n":2,"seed":1}""",
        """{"messages":[{"role":"user","content":"Hi"}],"prompt_logprobs":2}""",
        """{"messages":[{"role":"user","content":"Hi"}],"stop":["world"],"unheard_of":1}""",
        $$"""{"messages":[{"role":"user","content":"Rain?"}],{{Weather}}}""",
        """{"messages":[{"role":"user","content":"json"}],"response_format":{"type":"json_object"}}""",
    ];

    private static readonly string[] Completions =
    [
        """{"prompt":"Hi"}""", """{"prompt":["Hi","Ho"],"logprobs":2}""",
        """{"prompt":"Hi","echo":true}""", """{"prompt":[72,105],"stop":"world"}""",
    ];

    private static readonly string[] ResponseBodies =
    [
        """{"input":"Hi"}""",
        """{"input":"Hi","include":["message.output_text.logprobs"],"top_logprobs":2,"instructions":"Be brief.","user":"u"}""",
        """{"input":"Rain?","tools":[{"type":"function","name":"get_weather","parameters":{}}],"reasoning":{"effort":"low"}}""",
        """{"input":"Rain?","tools":[{"type":"function","name":"get_weather","parameters":{}}],"reasoning":{"summary":"detailed"}}""",
        """{"input":[{"role":"user","content":"json"}],"text":{"format":{"type":"json_object"}},"max_output_tokens":3}""",
    ];

    private static readonly string[] MessageBodies =
    [
        """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":50}""",
        """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":50,"stop_sequences":["world"]}""",
        """
        {"messages":[{"role":"user","content":"Rain?"}],"max_tokens":50,"thinking":{"type":"enabled"},
         "tools":[{"name":"get_weather","input_schema":{"type":"object"}}]}
        """,
    ];

    private static readonly string[] OllamaChats =
    [
        """{"messages":[{"role":"user","content":"Hi"}]}""",
        """{"messages":[]}""",
        """{"messages":[{"role":"user","content":"Hi"}],"logprobs":true,"top_logprobs":2}""",
        $$"""{"messages":[{"role":"user","content":"Rain?"}],"think":true,{{Weather}}}""",
    ];

    private static readonly string[] OllamaPrompts =
    [
        """{"prompt":"Hi"}""", """{"prompt":""}""", """{"prompt":"Hi","raw":true,"logprobs":true}""",
        """{"prompt":"Rain?","think":true}""",
    ];

    [Fact]
    public async Task Answers_OfEveryRoute_AreWhatTheDocumentSays()
    {
        await using var host = await GatewayHost.StartAsync(Settings, arrange: AskedAnswers.Arrange);
        var http = host.Http();
        http.DefaultRequestHeaders.Add("x-api-key", "secret-key");
        var answers = new DescribedAnswers(http, await DescribedApi.ReadAsync(http), Common);
        (string Path, string[] Bodies)[] all =
        [
            ("/v1/chat/completions", Chats), ("/v1/completions", Completions), ("/v1/responses", ResponseBodies),
            ("/v1/messages", MessageBodies), ("/api/chat", OllamaChats), ("/api/generate", OllamaPrompts),
        ];
        foreach (var (path, bodies) in all)
        {
            foreach (var body in bodies)
            {
                await answers.PostAsync(path, With(body, "stream", "false"), 200);
                if (!body.Contains("prompt_logprobs", StringComparison.Ordinal))
                    await answers.PostAsync(path, With(body, "stream", "true"), 200);
            }
        }

        const string Usage = "{\"include_usage\":true}";
        await answers.PostAsync("/v1/chat/completions", With(With(Chats[0], "stream", "true"), "stream_options", Usage), 200);
        await answers.PostAsync("/v1/completions", With(With(Completions[0], "stream", "true"), "stream_options", Usage), 200);
        await AskTheRestAsync(answers);
        Assert.True(answers.Objects > 300, $"{answers.Objects} objects are too few.");
        answers.AssertNoFaults();
        answers.AssertEverythingWasAsked(except: ["POST /api/pull"]);
    }

    private static async Task AskTheRestAsync(DescribedAnswers answers)
    {
        var kept = await answers.PostAsync("/v1/responses", ResponseBodies[1], 200);
        var id = (string)JsonNode.Parse(kept)!["id"]!;
        await answers.PostAsync("/v1/responses/input_tokens", ResponseBodies[0], 200);
        var compacted = JsonNode.Parse(await answers.PostAsync("/v1/responses/compact", ResponseBodies[0], 200))!["output"]!.ToJsonString();
        await answers.PostAsync("/v1/responses/input_tokens", $"{{\"input\":{compacted}}}", 200);
        await answers.SendAsync("GET", "/v1/responses/{id}", 200, ("id", id));
        await answers.SendAsync("GET", "/v1/responses/{id}/input_items", 200, ("id", id));
        await answers.SendAsync("POST", "/v1/responses/{id}/cancel", 400, ("id", id));
        await answers.SendAsync("DELETE", "/v1/responses/{id}", 200, ("id", id));
        await answers.SendAsync("GET", "/v1/responses/{id}", 404, ("id", id));
        const string Adapter = """{"lora_name":"poet","lora_path":"v1"}""";
        await answers.PostAsync("/v1/load_lora_adapter", Adapter, 200);
        await answers.SendAsync("GET", "/v1/models", 200);
        await answers.PostAsync("/v1/unload_lora_adapter", """{"lora_name":"poet"}""", 200);
        await answers.PostAsync("/v1/unload_lora_adapter", """{"lora_name":"poet"}""", 404);
        foreach (var root in (string[])["", "/v1"])
        {
            await answers.PostAsync(root + "/tokenize", """{"prompt":"Hi","return_token_strs":true}""", 200);
            await answers.PostAsync(root + "/tokenize", """{"messages":[{"role":"user","content":"Hi"}],"with_pieces":true}""", 200);
            await answers.PostAsync(root + "/detokenize", """{"tokens":[72,105]}""", 200);
        }

        await answers.PostAsync("/v1/messages/count_tokens", """{"messages":[{"role":"user","content":"Hi"}]}""", 200);
        foreach (var version in (string?[])[null, "2023-06-01"])
        {
            await answers.SendAsync("GET", "/v1/models", 200, ("anthropic-version", version));
            await answers.SendAsync("GET", "/v1/models/{id}", 200, ("id", "fake"), ("anthropic-version", version));
        }

        string[] read = ["/api/tags", "/api/ps", "/api/version", "/health", "/health/live", "/openapi.json", "/reference", "/"];
        foreach (var path in read)
            await answers.SendAsync("GET", path, 200);
        await answers.PostAsync("/api/show", "{}", 200);
        await answers.PostAsync("/v1/embeddings", "{}", 400);
        foreach (var path in (string[])["/api/embed", "/api/embeddings", "/api/create", "/api/copy", "/api/push"])
            await answers.PostAsync(path, "{}", 400);
        await answers.SendAsync("DELETE", "/api/delete", 400);
        foreach (var method in (string[])["POST", "HEAD"])
            await answers.SendAsync(method, "/api/blobs/{digest}", 400, ("digest", "sha256:00"));
    }

    private static string With(string body, string name, string value)
    {
        var node = JsonNode.Parse(body)!.AsObject();
        node[name] = JsonNode.Parse(value);
        return node.ToJsonString();
    }
}
