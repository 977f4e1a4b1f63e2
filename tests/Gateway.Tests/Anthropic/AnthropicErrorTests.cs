using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;
using Parley.Generator.V1;
using static Parley.Gateway.Tests.Anthropic.AnthropicCalls;

namespace Parley.Gateway.Tests.Anthropic;

/// <summary>Each way of failing in Anthropic's shape, with the status that its clients tell apart.</summary>
public sealed class AnthropicErrorTests
{
    private static (string? Type, string Message) Of(JsonElement body)
    {
        Assert.Equal("error", body.GetProperty("type").GetString());
        Assert.NotEmpty(body.GetProperty("request_id").GetString()!);
        return (body.GetProperty("error").GetProperty("type").GetString(), body.GetProperty("error").GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("\"max_tokens\":5", "messages is missing")]
    [InlineData("\"messages\":[],\"max_tokens\":5", "messages must hold at least one message")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]", "max_tokens is missing")]
    [InlineData("\"messages\":[{\"role\":\"robot\",\"content\":\"Hi\"}],\"max_tokens\":5", "messages[0].role 'robot' is unknown")]
    [InlineData("\"messages\":[{\"role\":\"user\"}],\"max_tokens\":5", "messages[0].content is missing")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{}}]}],\"max_tokens\":5",
        "messages[0].content[0].type 'image' is not supported: of a model that sees images")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"x\"}]}],\"max_tokens\":5",
        "messages[0].content[0].tool_use_id is the id of no tool_use")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
        + "\"x\",\"name\":\"f\",\"input\":{}}]}],\"max_tokens\":5", "messages[1] ends with a tool_use that no tool_result answers")]
    public async Task Post_FaultOfTheRequest_Is400NamingTheField(string fields, string message)
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, response) = await PostAsync(host, fields);

        Assert.Equal((400, "invalid_request_error"), (status, Of(body).Type));
        Assert.Contains(message, Of(body).Message, StringComparison.Ordinal);
        Assert.Equal(body.GetProperty("request_id").GetString(), response.Headers.GetValues("request-id").Single());
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Post_FaultOfThePipeline_NamesThePlaceInTheRequest()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["StopsMax"] = "1" });

        var (_, body, _) = await PostAsync(host, Minimal + ",\"stop_sequences\":[\"a\",\"b\"],\"top_p\":2");

        Assert.Contains("stop_sequences must hold at most 1 strings (it holds 2); top_p must be between 0 and 1", Of(body).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"model\":", 400, "invalid_request_error")]
    [InlineData("[]", 400, "invalid_request_error")]
    public async Task Post_NoJson_Is400(string text, int status, string type)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await host.Http().PostAsync("/v1/messages", new StringContent(text, Encoding.UTF8, "application/json"));

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(type, Of(JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement).Type);
    }

    [Fact]
    public async Task Post_UnknownModel_Is404()
    {
        await using var host = await GatewayHost.StartAsync();

        var (status, body, _) = await PostAsync(host, Minimal.Replace("fake", "claude", StringComparison.Ordinal));

        Assert.Equal((404, "not_found_error"), (status, Of(body).Type));
        Assert.Contains("'claude' is not served here; the model is 'fake'", Of(body).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_AllPlacesTaken_Is529WithRetryAfter()
    {
        await using var host = await GatewayHost.StartAsync(new() { ["ConcurrentChoicesMax"] = "1", ["ChoicesMax"] = "1" });
        var held = new TaskCompletionSource();
        host.Generator.BeforePrompt = token => held.Task.WaitAsync(token);
        var first = PostAsync(host, Minimal);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (host.Generator.Running == 0)
            await Task.Delay(5, limit.Token);

        var (status, body, response) = await PostAsync(host, Minimal);
        held.SetResult();

        Assert.Equal((529, "overloaded_error"), (status, Of(body).Type));
        Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
        Assert.Equal(200, (await first).Status);
    }

    [Fact]
    public async Task Post_NoServices_Is503ApiError()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Missing.Add("generator"));

        var (status, body, response) = await PostAsync(host, Minimal);

        Assert.Equal((503, "api_error"), (status, Of(body).Type));
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Theory]
    [InlineData("GET", "/v1/messages", 405, "invalid_request_error", "takes POST, not GET")]
    [InlineData("POST", "/v1/messages/batches", 404, "not_found_error", "There is no POST /v1/messages/batches here.")]
    [InlineData("GET", "/v1/models/other", 404, "not_found_error", "'other' is not served here")]
    public async Task Request_WrongRoute_IsInItsShapeToo(string method, string path, int status, string type, string message)
    {
        await using var host = await GatewayHost.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("anthropic-version", "2023-06-01");

        using var response = await host.Http().SendAsync(request);

        var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal((status, type), ((int)response.StatusCode, Of(body).Type));
        Assert.Contains(message, Of(body).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_ByHeader_AreInTheirOwnShape()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Aliases = ["alias"]);
        var http = host.Http();
        var openAi = JsonDocument.Parse(await http.GetStringAsync("/v1/models")).RootElement;
        http.DefaultRequestHeaders.Add("anthropic-version", "2023-06-01");

        var list = JsonDocument.Parse(await http.GetStringAsync("/v1/models")).RootElement;
        var one = JsonDocument.Parse(await http.GetStringAsync("/v1/models/alias")).RootElement;

        Assert.Equal("list", openAi.GetProperty("object").GetString());
        Assert.Equal(("fake", "alias", false), (list.GetProperty("first_id").GetString(), list.GetProperty("last_id").GetString(),
            list.GetProperty("has_more").GetBoolean()));
        Assert.Equal(("model", "alias", 10_000), (one.GetProperty("type").GetString(), one.GetProperty("id").GetString(),
            one.GetProperty("max_input_tokens").GetInt32()));
    }

    [Theory]
    [InlineData("x-api-key", "pk-one", 200)]
    [InlineData("authorization", "Bearer pk-one", 200)]
    [InlineData("x-api-key", "pk-two", 401)]
    public async Task Key_InEitherHeader_IsAsked(string header, string value, int status)
    {
        await using var host = await GatewayHost.StartAsync(new()
        {
            ["ApiKey"] = "pk-one",
            ["Limits:default:RequestsPerMinute"] = "60",
            ["Limits:default:TokensPerMinute"] = "6000",
        });
        var http = host.Http();
        http.DefaultRequestHeaders.TryAddWithoutValidation(header, value);

        using var response = await http.PostAsync("/v1/messages", new StringContent($"{{{Minimal}}}", Encoding.UTF8, "application/json"));

        Assert.Equal(status, (int)response.StatusCode);
        if (status == 401)
        {
            Assert.Equal("authentication_error", Of(JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement).Type);
            return;
        }

        Assert.Equal("60", response.Headers.GetValues("anthropic-ratelimit-requests-limit").Single());
        Assert.Equal("59", response.Headers.GetValues("anthropic-ratelimit-requests-remaining").Single());
        Assert.Equal("6000", response.Headers.GetValues("anthropic-ratelimit-tokens-limit").Single());
        Assert.Equal("60", response.Headers.GetValues("x-ratelimit-limit-requests").Single());
    }

    [Fact]
    public async Task Key_BeyondItsLimits_IsRefusedAsItsLimitsSay()
    {
        await using var host = await GatewayHost.StartAsync(new()
        {
            ["ApiKey"] = "pk-one",
            ["Limits:default:RequestsPerMinute"] = "2",
            ["Limits:default:Models"] = "other",
        });
        var http = host.Http();
        http.DefaultRequestHeaders.Add("x-api-key", "pk-one");
        var answers = new List<(int, string?)>();
        foreach (var path in (string[])["/v1/messages", "/v1/messages/count_tokens", "/v1/messages"])
        {
            using var response = await http.PostAsync(path, new StringContent($"{{{Minimal}}}", Encoding.UTF8, "application/json"));
            answers.Add(((int)response.StatusCode, Of(JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement).Type));
        }

        Assert.Equal([(403, "permission_error"), (403, "permission_error"), (429, "rate_limit_error")], answers);
    }

    [Fact]
    public async Task Stream_WhileItWaits_HasPingsAndThenTheError()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await GatewayHost.StartAsync(null, time, onSockets: true);
        var waiting = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        host.Generator.BeforePrompt = async token =>
        {
            waiting.TrySetResult();
            await release.Task.WaitAsync(token);
            throw new RpcException(new Status(StatusCode.Unavailable, "draining"));
        };
        using var http = new HttpClient { BaseAddress = host.Http1 };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = new StringContent($"{{{Minimal},\"stream\":true}}", Encoding.UTF8, "application/json"),
        };
        var sending = http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await waiting.Task;

        time.Advance(TimeSpan.FromSeconds(10));
        using var response = await sending;
        release.SetResult();
        var read = new StringBuilder();
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(response, read));

        var events = Events(read.ToString());
        Assert.Equal(["ping", "error"], events.Select(one => one.Name));
        Assert.Equal(("api_error", "The model is not available at the moment."), Of(events[1].Data));
    }

    [Fact]
    public async Task Stream_GeneratorFailsMidway_EndsWithAnErrorEventAndBreaks()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true);
        host.Generator.Fault = (3, new FailedEvent { Code = FailureCode.StepFailed, Message = "OnnxRuntimeException at /srv/model.onnx" });
        using var http = new HttpClient { BaseAddress = host.Http1 };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = new StringContent($"{{{Minimal},\"stream\":true}}", Encoding.UTF8, "application/json"),
        };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var read = new StringBuilder();

        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(response, read));

        var events = Events(read.ToString());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("error", events[^1].Name);
        Assert.Equal("api_error", Of(events[^1].Data).Type);
        Assert.DoesNotContain("/srv/", read.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(events, one => one.Name == "message_stop");
        await host.AssertIdleAsync();
    }

    private static async Task ReadAsync(HttpResponseMessage response, StringBuilder into)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var buffer = new char[4096];
        for (int length; (length = await reader.ReadAsync(buffer)) > 0;)
            into.Append(buffer, 0, length);
    }
}
