using System.Diagnostics;
using System.Net.Http.Json;
using Grpc.Core;
using Parley.Generator.V1;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>One chat is one trace through the three services, with a span for each stage of its way.</summary>
[Collection(TelemetryCollection.Name)]
public sealed class TraceTests(TelemetryFixture fixture, ITestOutputHelper output) : IClassFixture<TelemetryFixture>
{
    private const int AttemptsMax = 20;

    private const string Answered = """
        POST /v1/chat/completions [server]
          chat traced [Gateway]
            parley.tokenizer.v1.Tokenization/EncodeChat [grpc]
              POST /parley.tokenizer.v1.Tokenization/EncodeChat [server]
                template [Tokenizer]
                encode [Tokenizer]
            parley.generator.v1.Generation/Generate [grpc]
              POST /parley.generator.v1.Generation/Generate [server]
                queue [Generator]
                prefill [Generator] ·first_token
                decode [Generator]
            detokenize [Tokenizer]
        """;

    private TracedSystem System => fixture.System;

    [Fact]
    public async Task Chat_Answered_IsOneTraceWithASpanPerStage()
    {
        using var trace = new CallerTrace();
        using var client = new HttpClient { BaseAddress = System.Http };
        using var response = await client.PostAsJsonAsync("/v1/chat/completions", new
        {
            model = TracedSystem.Model,
            messages = new[] { new { role = "user", content = "what is a token?" } },
            max_tokens = 12,
            temperature = 0,
            seed = 7,
            ignore_eos = true,
        });
        response.EnsureSuccessStatusCode();

        var spans = await System.TraceAsync(trace, spans => TraceTree.Draw(spans) == Answered);
        output.WriteLine(TraceTree.Draw(spans, withTimes: true));
        Assert.Equal(Answered, TraceTree.Draw(spans));
        Assert.All(spans, span => Assert.Equal(ActivityStatusCode.Unset, span.Status));
        var chat = spans.Single(span => span.DisplayName == "chat traced");
        Assert.Equal(ActivityKind.Client, chat.Kind);
        AssertTags(chat,
            ("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "parley"), ("gen_ai.request.model", "traced"),
            ("gen_ai.response.model", "traced"), ("gen_ai.request.max_tokens", 12u), ("gen_ai.request.seed", 7L),
            ("gen_ai.request.stream", true), ("gen_ai.usage.output_tokens", 12L), ("server.address", "127.0.0.1"));
        // What chats of other tests began with may lie in the cache.
        Assert.InRange(
            Assert.IsType<long>(chat.GetTagItem("gen_ai.usage.cache_read.input_tokens")), 0,
            Assert.IsType<long>(chat.GetTagItem("gen_ai.usage.input_tokens")));
        Assert.Equal(["length"], Assert.IsType<string[]>(chat.GetTagItem("gen_ai.response.finish_reasons")));
        Assert.InRange(Assert.IsType<double>(chat.GetTagItem("gen_ai.response.time_to_first_chunk")), 0.0001, 600);
        Assert.Null(chat.GetTagItem("gen_ai.request.choice.count"));
        var prompt = Assert.IsType<long>(chat.GetTagItem("gen_ai.usage.input_tokens"));
        AssertTags(Single(spans, "encode"), ("parley.tokens", (int)prompt));
        AssertTags(Single(spans, "prefill"), ("gen_ai.usage.input_tokens", (int)prompt), ("gen_ai.usage.cache_read.input_tokens", 0));
        AssertTags(Single(spans, "decode"),
            ("gen_ai.usage.output_tokens", 12), ("parley.finish.reason", "max_tokens"), ("parley.preemptions", 0));
        AssertTags(Single(spans, "detokenize"), ("parley.tokens", 12), ("parley.stop.matched", false));
        AssertFollowsOn(Single(spans, "queue"), Single(spans, "prefill"));
        AssertFollowsOn(Single(spans, "prefill"), Single(spans, "decode"));
    }

    [Fact]
    public async Task Chat_CancelledInDecode_SaysSoAtChatAndStage()
    {
        using var trace = new CallerTrace();
        using var stop = new CancellationTokenSource();
        var request = Conversations.Ask("hello", new SamplingParameters { Temperature = 0, MaxTokens = 450, IgnoreEos = true });
        using var call = System.Chat.Complete(request, cancellationToken: stop.Token);
        while (await call.ResponseStream.MoveNext(CancellationToken.None) && call.ResponseStream.Current.Delta is null)
        {
        }

        await stop.CancelAsync();
        var spans = await System.TraceAsync(trace, spans =>
            spans.Count(span => span.Source.Name == "Microsoft.AspNetCore") == 3 && spans.Any(span => span.DisplayName == "detokenize"));
        output.WriteLine(TraceTree.Draw(spans, withTimes: true));
        var chat = Single(spans, "chat traced");
        Assert.Equal((ActivityStatusCode.Error, "cancelled"), (chat.Status, chat.StatusDescription));
        AssertTags(chat, ("error.type", "cancelled"));
        var decode = Single(spans, "decode");
        Assert.Equal((ActivityStatusCode.Error, "cancelled"), (decode.Status, decode.StatusDescription));
        Assert.Equal(ActivityStatusCode.Unset, Single(spans, "prefill").Status);
        Assert.Equal("POST /parley.gateway.v1.ChatCompletion/Complete", spans.Single(span => span.SpanId == chat.ParentSpanId).DisplayName);
    }

    [Fact]
    public async Task Chat_RefusedForItsLength_HasTheStagesThatItReached()
    {
        using var trace = new CallerTrace();
        var request = Conversations.Ask(string.Join(' ', Enumerable.Range(0, 2000)), Conversations.Greedy(4));
        using var call = System.Chat.Complete(request);
        var exception = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);

        var expected = """
            POST /parley.gateway.v1.ChatCompletion/Complete [server]
              chat traced [Gateway] !invalid_argument
                parley.tokenizer.v1.Tokenization/EncodeChat [grpc]
                  POST /parley.tokenizer.v1.Tokenization/EncodeChat [server]
                    template [Tokenizer]
                    encode [Tokenizer]
            """;
        var spans = await System.TraceAsync(trace, spans => TraceTree.Draw(spans) == expected);
        Assert.Equal(expected, TraceTree.Draw(spans));
        AssertTags(Single(spans, "chat traced"), ("error.type", "invalid_argument"), ("gen_ai.usage.input_tokens", null));
    }

    [Fact]
    public async Task Chat_OfAnUnknownModel_KeepsTheNameToItsSpan()
    {
        using var trace = new CallerTrace();
        var request = Conversations.Ask("hello", Conversations.Greedy(4));
        request.Model = new string('m', 300);
        using var call = System.Chat.Complete(request);
        await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        var spans = await System.TraceAsync(trace, spans => spans.Count == 2);
        var chat = Single(spans, "chat");
        AssertTags(chat, ("error.type", "not_found"), ("gen_ai.response.model", null));
        Assert.Equal(128, Assert.IsType<string>(chat.GetTagItem("gen_ai.request.model")).Length);
    }

    [Fact]
    public async Task Chat_Preempted_TellsWhenOnItsSpan()
    {
        // The cache holds 512 tokens. Which answers meet there is a race; one of a few attempts must be the one meant.
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var (first, second) = (LongAsync("hello"), LongAsync("thanks!"));
            var traces = await Task.WhenAll(first, second);
            foreach (var trace in traces)
            {
                using var over = trace;
                var spans = await System.TraceAsync(trace, spans => spans.Any(span => span.DisplayName == "decode")
                    && spans.Any(span => span.DisplayName.EndsWith("ChatCompletion/Complete", StringComparison.Ordinal)));
                var decode = Single(spans, "decode");
                if (Assert.IsType<int>(decode.GetTagItem("parley.preemptions")) == 0)
                    continue;
                output.WriteLine(TraceTree.Draw(spans, withTimes: true));
                Assert.Contains(
                    decode.Events.Concat(Single(spans, "prefill").Events), one => one.Name == "preemption"
                        && one.Timestamp >= decode.StartTimeUtc && one.Timestamp <= decode.StartTimeUtc + decode.Duration);
                AssertTags(decode, ("gen_ai.usage.output_tokens", 400));
                return;
            }
        }

        Assert.Fail("no two answers met in the cache");
    }

    [Fact]
    public async Task Probes_AndTheServicesOwnQuestions_MakeNoSpans()
    {
        using var trace = new CallerTrace();
        await System.Generator.GetLoadAsync(new GetLoadRequest());
        await System.Generator.DescribeAsync(new DescribeRequest());
        using var client = new HttpClient { BaseAddress = System.Http };
        Assert.True((await client.GetAsync("/health")).IsSuccessStatusCode);
        Assert.True((await client.GetAsync("/v1/models")).IsSuccessStatusCode);

        // The last of them is a client's question and has its span; the others would be there before it.
        var spans = await System.TraceAsync(trace, spans => spans.Count > 0);
        Assert.Equal("GET /v1/models [server]", TraceTree.Draw(spans));
    }

    private async Task<CallerTrace> LongAsync(string question)
    {
        var trace = new CallerTrace();
        var request = Conversations.Ask(question, new SamplingParameters { Temperature = 0, MaxTokens = 400, IgnoreEos = true });
        using var call = System.Chat.Complete(request);
        await foreach (var _ in call.ResponseStream.ReadAllAsync())
        {
        }

        return trace;
    }

    private static Activity Single(IReadOnlyList<Activity> spans, string name) => Assert.Single(spans, span => span.DisplayName == name);

    private static void AssertTags(Activity span, params (string Key, object? Value)[] tags) =>
        Assert.All(tags, tag => Assert.Equal(tag.Value, span.GetTagItem(tag.Key)));

    private static void AssertFollowsOn(Activity before, Activity after) =>
        Assert.InRange((after.StartTimeUtc - before.StartTimeUtc - before.Duration).TotalMilliseconds, -0.01, 0.01);
}
