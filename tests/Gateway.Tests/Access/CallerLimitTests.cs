using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Google.Rpc;
using Grpc.Core;
using Grpc.Reflection.V1Alpha;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Access;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Gateway.Tests.Access;

/// <summary>What one caller may use, over both edges. A prompt of the fake Tokenizer has a token per byte: "&lt;user&gt;Hi" is 8.</summary>
public sealed class CallerLimitTests
{
    private const int PromptTokens = 8;
    private const int AnswerTokens = 13;

    // Deadlines of calls go by the real clock, so this one stands near it.
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()));

    private Task<GatewayHost> StartAsync(params (string Key, string Value)[] limits) => StartAsync(arrange: null, limits);

    private Task<GatewayHost> StartAsync(Action<GatewayHost>? arrange, params (string Key, string Value)[] limits)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Keys:alice:Hash"] = KeyHash.Of("key-a"),
            ["Keys:alice:Limits"] = "team",
            ["Keys:bob:Hash"] = KeyHash.Of("key-b"),
            ["Limits:team:Priority"] = "",
        };
        foreach (var (key, value) in limits)
            settings["Limits:team:" + key] = value;
        return GatewayHost.StartAsync(settings, _time, arrange);
    }

    private static async Task<HttpResponseMessage> AskAsync(GatewayHost host, string key = "key-a", object? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions");
        request.Headers.Add("Authorization", $"Bearer {key}");
        request.Content = JsonContent.Create(body ?? new { messages = new[] { new { role = "user", content = "Hi" } } });
        return await host.Http().SendAsync(request);
    }

    private static async Task<HttpResponseMessage> SendAsync(
        GatewayHost host, HttpMethod method, string path, string version, string body = "")
    {
        using var request = new HttpRequestMessage(method, path) { Headers = { { "x-api-key", "key-a" } } };
        if (version.Length > 0)
            request.Headers.Add("anthropic-version", version);
        if (body.Length > 0)
            request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        return await host.Http().SendAsync(request);
    }

    private static async Task<RpcException?> CallAsync(GatewayHost host, string text = "Hi", string key = "key-a")
    {
        var chat = new Tokenizer.V1.Chat { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = text } } };
        using var call = host.Client().Complete(new CompleteRequest { Chat = chat }, new Metadata { { "x-api-key", key } });
        try
        {
            await foreach (var _ in call.ResponseStream.ReadAllAsync())
            {
            }

            return null;
        }
        catch (RpcException exception)
        {
            return exception;
        }
    }

    private static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : "";

    private static string Rates(HttpResponseMessage response, string what) => string.Join(
        ' ', ((string[])["limit", "remaining", "reset"]).Select(which => Header(response, $"x-ratelimit-{which}-{what}")));

    private static async Task<(string Type, string Code, string Message)> ErrorOf(HttpResponseMessage response)
    {
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error");
        return (error.GetProperty("type").GetString()!, error.GetProperty("code").GetString()!, error.GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task Requests_BeyondThoseOfAMinute_Are429UntilThereAreMore()
    {
        await using var host = await StartAsync(("RequestsPerMinute", "2"));

        using var first = await AskAsync(host);
        using var second = await AskAsync(host);
        using var third = await AskAsync(host);
        using var other = await AskAsync(host, "key-b");

        Assert.Equal(("2 1 30s", "2 0 1m0s"), (Rates(first, "requests"), Rates(second, "requests")));
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.Equal("2 0 1m0s", Rates(third, "requests"));
        Assert.Equal(TimeSpan.FromSeconds(30), third.Headers.RetryAfter!.Delta);
        var (type, code, message) = await ErrorOf(third);
        Assert.Equal(("rate_limit_error", "rate_limit_exceeded"), (type, code));
        Assert.Equal("This key may use 2 requests a minute, and has none left; try again in 30s.", message);
        Assert.Equal((HttpStatusCode.OK, "  "), (other.StatusCode, Rates(other, "requests")));
        Assert.Equal(3, host.Generator.Requests.Count);

        _time.Advance(TimeSpan.FromSeconds(30));
        using var fourth = await AskAsync(host);
        Assert.Equal(HttpStatusCode.OK, fourth.StatusCode);
    }

    [Fact]
    public async Task Requests_OverGrpc_AreResourceExhaustedWithDetails()
    {
        await using var host = await StartAsync(("RequestsPerMinute", "1"));
        using var reflection = new ServerReflection.ServerReflectionClient(host.Channel())
            .ServerReflectionInfo(new Metadata { { "authorization", "bearer key-a" } });
        await reflection.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await reflection.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Null(await CallAsync(host));
        var fault = await CallAsync(host);

        Assert.Equal(StatusCode.ResourceExhausted, fault!.StatusCode);
        var status = fault.GetRpcStatus()!;
        Assert.Equal(60, status.GetDetail<RetryInfo>()!.RetryDelay.Seconds);
        Assert.Equal("key:alice", Assert.Single(status.GetDetail<QuotaFailure>()!.Violations).Subject);
        Assert.Equal("1", fault.Trailers.GetValue("x-ratelimit-limit-requests"));
    }

    [Fact]
    public async Task Tokens_OfPromptAndAnswer_AreCountedAndWaitedOff()
    {
        await using var host = await StartAsync(("TokensPerMinute", "20"));

        using var first = await AskAsync(host);
        using var second = await AskAsync(host);
        using var third = await AskAsync(host);

        // 20 - 8 - 13 leaves less than nothing: what runs is not cut off, and the next one waits.
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal("20 0 1m3s", Rates(first, "tokens"));
        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(6), second.Headers.RetryAfter!.Delta);
        Assert.Contains("20 tokens a minute", (await ErrorOf(second)).Message, StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromSeconds(3 + 15));
        using var fourth = await AskAsync(host);
        Assert.Equal(HttpStatusCode.TooManyRequests, fourth.StatusCode);
        Assert.Equal("The prompt has 8 tokens, and of 20 a minute this key has 5 left.", (await ErrorOf(fourth)).Message);
        Assert.Equal(TimeSpan.FromSeconds(9), fourth.Headers.RetryAfter!.Delta);
        _time.Advance(TimeSpan.FromSeconds(9));
        using var fifth = await AskAsync(host);
        Assert.Equal(HttpStatusCode.OK, fifth.StatusCode);
    }

    [Fact]
    public async Task Tokens_OfAChatThatTheGeneratorRefuses_AreGivenBack()
    {
        await using var host = await StartAsync(("TokensPerMinute", "10"));
        host.Generator.Refusal = new RpcException(new Grpc.Core.Status(StatusCode.ResourceExhausted, "full"));
        using var refused = await AskAsync(host);
        host.Generator.Refusal = null;

        using var served = await AskAsync(host);

        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (refused.StatusCode, served.StatusCode));
        Assert.Equal("10 10 0ms", Rates(refused, "tokens"));
    }

    [Fact]
    public async Task Tokens_OfAStream_AreCountedAsTheyCome()
    {
        await using var host = await StartAsync(("TokensPerMinute", "1000"));
        var (reached, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        host.Generator.BeforeBatch = async (number, _) =>
        {
            if (number != 5)
                return;
            reached.TrySetResult();
            await go.Task;
        };
        var body = new { stream = true, messages = new[] { new { role = "user", content = "Hi" } } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(body) };
        request.Headers.Add("x-api-key", "key-a");
        using var stream = await host.Http().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync());
        await reached.Task;
        var text = "";
        while (!text.Contains("\"o\"", StringComparison.Ordinal))
            text = await reader.ReadLineAsync() ?? throw new EndOfStreamException();

        using var models = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { { "x-api-key", "key-a" } } };
        using var meanwhile = await host.Http().SendAsync(models);

        Assert.Equal($"{1000 - PromptTokens - 5}", Header(meanwhile, "x-ratelimit-remaining-tokens"));
        go.SetResult();
        await reader.ReadToEndAsync();
        await host.AssertIdleAsync();
        using var again = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { { "x-api-key", "key-a" } } };
        using var after = await host.Http().SendAsync(again);
        Assert.Equal($"{1000 - PromptTokens - AnswerTokens}", Header(after, "x-ratelimit-remaining-tokens"));
    }

    [Theory]
    [InlineData("TokensPerMinute", "7", "have 8 tokens, and this key may use 7 a minute")]
    [InlineData("ContextTokensMax", "8", "have 8 tokens, and this key may use 8 with the answer")]
    public async Task Prompt_ThatNeverFits_IsContextExceededAndNotToBeTriedAgain(string limit, string value, string told)
    {
        await using var host = await StartAsync((limit, value));

        using var response = await AskAsync(host);
        var fault = await CallAsync(host);

        var (_, code, message) = await ErrorOf(response);
        Assert.Equal((HttpStatusCode.BadRequest, "context_length_exceeded"), (response.StatusCode, code));
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.Equal(StatusCode.InvalidArgument, fault!.StatusCode);
        Assert.Empty(host.Generator.Requests);
    }

    [Theory]
    [InlineData(null, 12u)]
    [InlineData(5, 5u)]
    [InlineData(500, 12u)]
    public async Task Answer_HasWhatTheCallersContextLeaves(int? asked, uint expected)
    {
        await using var host = await StartAsync(("ContextTokensMax", "20"));

        using var response = await AskAsync(host, body: new
        {
            max_tokens = asked,
            messages = new[] { new { role = "user", content = "Hi" } },
        });

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(expected, Assert.Single(host.Generator.Requests).Sampling.MaxTokens);
    }

    [Theory]
    [InlineData("fake, other", "", true)]
    [InlineData("other", "", false)]
    [InlineData("other", "fake", false)]
    [InlineData("other,fake", "fake", true)]
    public async Task Model_NotOfTheKey_Is403(string models, string asked, bool served)
    {
        await using var host = await StartAsync(("Models", models));

        using var response = await AskAsync(host, body: new { model = asked, messages = new[] { new { role = "user", content = "Hi" } } });

        Assert.Equal(served ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
        if (served)
            return;
        Assert.Equal(("invalid_request_error", "permission_denied", "This key may not use the model 'fake'."), await ErrorOf(response));
        Assert.Equal(StatusCode.PermissionDenied, (await CallAsync(host))!.StatusCode);
        Assert.Empty(host.Generator.Requests);
    }

    [Theory]
    [InlineData("/v1/models", "", "data", "id")]
    [InlineData("/v1/models", "2023-06-01", "data", "id")]
    [InlineData("/api/tags", "", "models", "name")]
    [InlineData("/api/ps", "", "models", "name")]
    public async Task Models_OfTheKey_AreAllThatIsListedInEachProtocol(string path, string version, string list, string member)
    {
        await using var host = await StartAsync(arrange: one => one.Generator.Aliases = ["small", "other"], ("Models", "small"));

        using var response = await SendAsync(host, HttpMethod.Get, path, version);

        var models = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty(list);
        Assert.Equal(["small"], models.EnumerateArray().Select(model => model.GetProperty(member).GetString()));
    }

    [Theory]
    [InlineData("GET", "/v1/models/fake", "", "")]
    [InlineData("GET", "/v1/models/fake", "2023-06-01", "")]
    [InlineData("POST", "/api/show", "", """{"model":"fake"}""")]
    [InlineData("POST", "/api/chat", "", """{"model":"fake","messages":[]}""")]
    [InlineData("POST", "/tokenize", "", """{"model":"fake","content":"a"}""")]
    public async Task Model_NotOfTheKey_Is403WhereverItIsNamed(string method, string path, string version, string body)
    {
        await using var host = await StartAsync(arrange: one => one.Generator.Aliases = ["small", "other"], ("Models", "small"));

        using var response = await SendAsync(host, new HttpMethod(method), path, version, body);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("This key may not use the model 'fake'.", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("5", null, 5)]
    [InlineData("5", "9", 5)]
    [InlineData("5", "-3", -3)]
    [InlineData("-50", "100", -50)]
    [InlineData("", "7", 7)]
    public async Task Priority_OfTheKey_IsTheMostThatARequestHas(string ofKey, string? asked, int expected)
    {
        await using var host = await StartAsync(("Priority", ofKey));

        using var response = await AskAsync(host, body: new
        {
            priority = asked is null ? (int?)null : int.Parse(asked, CultureInfo.InvariantCulture),
            messages = new[] { new { role = "user", content = "Hi" } },
        });

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(expected, Assert.Single(host.Generator.Requests).Sampling.Priority);
    }

    [Fact]
    public async Task Choices_BeyondThoseAtOnce_AreRefusedAndGivenBack()
    {
        await using var host = await StartAsync(("ConcurrentChoicesMax", "2"));
        var (started, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        host.Generator.BeforePrompt = _ =>
        {
            if (host.Generator.Requests.Count == 2)
                started.TrySetResult();
            return go.Task;
        };
        var pair = new { n = 2, messages = new[] { new { role = "user", content = "Hi" } } };
        var running = AskAsync(host, body: pair);
        await started.Task;

        using var second = await AskAsync(host);
        var fault = await CallAsync(host);
        using var tooMany = await AskAsync(host, body: new { n = 3, messages = new[] { new { role = "user", content = "Hi" } } });
        go.SetResult();
        using var first = await running;
        await host.AssertIdleAsync();
        using var third = await AskAsync(host, body: pair);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests, HttpStatusCode.BadRequest, HttpStatusCode.OK),
            (first.StatusCode, second.StatusCode, tooMany.StatusCode, third.StatusCode));
        Assert.Contains("2 answers at once", (await ErrorOf(second)).Message, StringComparison.Ordinal);
        Assert.Contains("n must be at most 2 with this key", (await ErrorOf(tooMany)).Message, StringComparison.Ordinal);
        Assert.Equal("key:alice", Assert.Single(fault!.GetRpcStatus()!.GetDetail<QuotaFailure>()!.Violations).Subject);
    }

    [Fact]
    public async Task Messages_MoreThanTheKeyMaySend_AreRefused()
    {
        await using var host = await StartAsync(("MessagesMax", "2"));
        var messages = Enumerable.Range(0, 3).Select(_ => new { role = "user", content = "Hi" });

        using var response = await AskAsync(host, body: new { messages });

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(
            "messages must hold at most 2 with this key (they are 3)", (await ErrorOf(response)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_LongerThanTheKeyMaySend_Is413WhetherItsLengthIsToldOrNot(bool isTold)
    {
        await using var host = await StartAsync(("BodyBytesMax", "1000"));
        var bytes = Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{new string('x', 1000)}}"}]}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Headers = { { "x-api-key", "key-a" } } };
        request.Content = isTold ? new ByteArrayContent(bytes) : new StreamContent(new UnknownLength(bytes));
        request.Content.Headers.ContentType = new("application/json");

        using var response = await host.Http().SendAsync(request);
        var fault = await CallAsync(host, new string('x', 2000));
        var small = await CallAsync(host);

        Assert.Equal(isTold, request.Content.Headers.ContentLength is not null);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("The body must not exceed 1000 bytes with this key.", (await ErrorOf(response)).Message);
        Assert.Equal(StatusCode.ResourceExhausted, fault!.StatusCode);
        Assert.Null(small);
        Assert.Single(host.Generator.Requests);
    }

    [Fact]
    public async Task Default_Limits_AreThoseOfWhoeverNamesNoneAndOfCallersWithoutAKey()
    {
        await using var keyed = await GatewayHost.StartAsync(
            new() { ["ApiKey"] = "key-a", ["Limits:default:RequestsPerMinute"] = "1" }, _time);
        await using var open = await GatewayHost.StartAsync(new() { ["Limits:default:RequestsPerMinute"] = "1" }, _time);

        foreach (var host in (GatewayHost[])[keyed, open])
        {
            using var first = await AskAsync(host);
            using var second = await AskAsync(host);
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
        }
    }

    [Theory]
    [InlineData(0, "0ms")]
    [InlineData(0.0001, "1ms")]
    [InlineData(120, "120ms")]
    [InlineData(7660, "7.66s")]
    [InlineData(60_000, "1m0s")]
    [InlineData(179_560, "2m59.56s")]
    [InlineData(3_600_000, "60m0s")]
    public void Time_InAHeader_IsWrittenAsOpenAiDoes(double milliseconds, string text) =>
        Assert.Equal(text, RateHeaders.Text(TimeSpan.FromMilliseconds(milliseconds)));

    /// <summary>A stream that does not say how long it is, so that it is sent in chunks.</summary>
    private sealed class UnknownLength(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
