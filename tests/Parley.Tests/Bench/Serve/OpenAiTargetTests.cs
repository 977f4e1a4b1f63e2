using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Parley.Cli.Bench.Serve;

namespace Parley.Cli.Tests.Bench.Serve;

public sealed class OpenAiTargetTests
{
    private static readonly ChatRequestSettings Settings = new("", 0, IgnoreEos: true, DraftTokens: 3);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Run_AnAnswer_IsReadToItsFigures()
    {
        var server = new FakeServer
        {
            Body = Events(
                """{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}""",
                """{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}""",
                """{"choices":[{"index":0,"delta":{"content":"lo \"finish_reason\""},"finish_reason":null}],"usage":null}""",
                """{"choices":[{"index":0,"delta":{},"finish_reason":"length"}],"usage":null}""",
                """{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":8}}}""",
                "[DONE]"),
        };
        using var target = await ConnectAsync(server);
        var clock = Clock();
        var answer = await target.RunAsync("Hi", 3, clock, CancellationToken.None);
        Assert.Equal(new ChatAnswer(12, 8, 3), answer);
        Assert.Equal(2, clock.Tokens);
        using var request = JsonDocument.Parse(server.Requests[^1]);
        Assert.Equal("served", request.RootElement.GetProperty("model").GetString());
        Assert.Equal("Hi", request.RootElement.GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal(3, request.RootElement.GetProperty("draft_tokens").GetInt32());
        Assert.True(request.RootElement.GetProperty("ignore_eos").GetBoolean());
        Assert.Equal("Bearer secret", server.Authorization);
    }

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests, "http 429")]
    [InlineData(HttpStatusCode.ServiceUnavailable, "http 503")]
    public async Task Run_ARefusal_IsAKindOfFailure(HttpStatusCode status, string kind)
    {
        using var target = await ConnectAsync(new FakeServer { Status = status, Body = """{"error":{"message":"full"}}""" });
        var answer = await target.RunAsync("Hi", 3, Clock(), CancellationToken.None);
        Assert.Equal(kind, answer.Failure);
        Assert.Contains("full", answer.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data: {\"choices\":[]}\n\n", "stream cut")]
    [InlineData("data: {\"error\":{\"message\":\"lost\"}}\n\ndata: [DONE]\n\n", "error event")]
    [InlineData("data: {broken\n\n", "not json")]
    public async Task Run_AStreamThatGoesWrong_IsAKindOfFailure(string body, string kind)
    {
        using var target = await ConnectAsync(new FakeServer { Body = body });
        Assert.Equal(kind, (await target.RunAsync("Hi", 3, Clock(), CancellationToken.None)).Failure);
    }

    [Fact]
    public async Task Connect_ToWhatListsNoModel_SaysSo()
    {
        var fault = await Assert.ThrowsAsync<UserErrorException>(() => ConnectAsync(new FakeServer { Models = "{}" }));
        Assert.Contains("--served-model", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadRun_SomeRefused_GoesOnAndCountsThem()
    {
        var server = new FakeServer
        {
            Body = Events("""{"choices":[{"delta":{"content":"a"}}]}""", "[DONE]"),
            RefuseEvery = 4,
        };
        using var target = await ConnectAsync(server);
        var run = new LoadRun(target, new PromptSource(8, 0, [], 1), Options(), _time);
        var result = await run.RunClosedAsync(4, _ => { }, CancellationToken.None);
        Assert.Equal((9L, 3L), (result.Completed, result.Failed));
        Assert.Equal(3, result.Failures["http 429"]);
        Assert.Equal(9, result.OutputTokens);
    }

    private static ServeOptions Options() => new()
    {
        Protocol = "openai",
        Url = "http://server/",
        Request = Settings,
        Streams = [4],
        RequestsPerStream = 3,
        RequestsPerSecond = [],
        DurationSeconds = 1,
        OutstandingMax = 8,
        PromptWords = 8,
        PromptTokens = 0,
        SharedPrefix = 0,
        PromptFile = null,
        AnswerTokensMax = 1,
        WarmUpRequests = 0,
        TimeoutSeconds = 60,
        Targets = new LatencyTargets(null, null),
        Seed = 1,
        ServerProcessIds = [],
    };

    private static Task<OpenAiTarget> ConnectAsync(FakeServer server) =>
        OpenAiTarget.ConnectAsync(new Uri("http://server"), Settings, "secret", server, CancellationToken.None);

    private static string Events(params string[] data) => string.Concat(data.Select(item => $"data: {item}\n\n"));

    private StreamClock Clock() => new(new LevelRecorder(1, new LatencyTargets(null, null), _time), _time.GetTimestamp());

    private sealed class FakeServer : HttpMessageHandler
    {
        private int _chats;

        public HttpStatusCode Status { get; init; } = HttpStatusCode.OK;

        public string Models { get; init; } = """{"data":[{"id":"served"}]}""";

        public string Body { get; init; } = "";

        public int RefuseEvery { get; init; } = int.MaxValue;

        public List<string> Requests { get; } = [];

        public string? Authorization { get; private set; }


        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri!.AbsolutePath == "/v1/models")
                return new HttpResponseMessage { Content = new StringContent(Models, Encoding.UTF8, "application/json") };
            Assert.Equal("/v1/chat/completions", request.RequestUri.AbsolutePath);
            Authorization = request.Headers.Authorization?.ToString();
            var sent = await request.Content!.ReadAsStringAsync(cancellationToken);
            lock (Requests)
                Requests.Add(sent);
            if (Interlocked.Increment(ref _chats) % RefuseEvery == 0)
                return new HttpResponseMessage(HttpStatusCode.TooManyRequests) { Content = new StringContent("full") };
            return new HttpResponseMessage(Status) { Content = new StringContent(Body, Encoding.UTF8, "text/event-stream") };
        }
    }
}
