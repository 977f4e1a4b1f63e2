using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;
using FinishReason = Parley.Gateway.V1.FinishReason;

namespace Parley.Gateway.Tests;

public sealed class ChatCompletionServiceTests
{
    private static CompleteRequest Request(string text = "Hi") => new()
    {
        Chat = new Parley.Tokenizer.V1.Chat { Messages = { new ChatMessage { Role = "user", Content = text } } },
        Sampling = new SamplingParameters(),
    };

    private static async Task<List<CompleteResponse>> CompleteAsync(GatewayHost host, CompleteRequest request)
    {
        using var call = host.Client().Complete(request);
        return await call.ResponseStream.ReadAllAsync().ToListAsync();
    }

    private static string TextOf(IEnumerable<CompleteResponse> events, uint choice = 0) =>
        string.Concat(events.Where(one => one.Delta?.Choice == choice).Select(one => one.Delta.Text));

    [Fact]
    public async Task Complete_PlainChat_StreamsTextAndOneTerminal()
    {
        await using var host = await GatewayHost.StartAsync();

        var events = await CompleteAsync(host, Request());

        Assert.Equal(CompleteResponse.EventOneofCase.Accepted, events[0].EventCase);
        Assert.Equal(8u, events[0].Accepted.PromptTokens);
        Assert.Equal("fake", events[0].Accepted.Model);
        Assert.Equal("Hello, world!", TextOf(events));
        Assert.True(events.Count(one => one.Delta is not null) > 1);
        var finished = Assert.Single(events, one => one.ChoiceFinished is not null).ChoiceFinished;
        Assert.Equal(FinishReason.Stop, finished.Reason);
        Assert.Equal(42ul, finished.Seed);
        var completed = Assert.Single(events, one => one.Completed is not null);
        Assert.Same(completed, events[^1]);
        Assert.Equal(new Usage { PromptTokens = 8, CachedTokens = 3, CompletionTokens = 13 }, completed.Completed.Usage);
        Assert.Equal(2000ul, completed.Completed.Timings.PrefillNanoseconds);
        await host.AssertIdleAsync();
        Assert.Equal(0, host.Generator.Cancelled);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_ReasoningAndACall_AreToldByTheirFields()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Tokenizer.ChatTemplate = "<tool_call>";
        host.Generator.Script = _ => FakeGenerator.Letters(
            "<think>Hm.</think>Look.<tool_call>{\"name\": \"f\", \"arguments\": {\"n\": 1}}</tool_call><|im_end|>");
        var request = Request();
        request.Chat.ToolsJson.Add("{\"type\": \"function\", \"function\": {\"name\": \"f\"}}");

        var events = await CompleteAsync(host, request);

        var deltas = events.Where(one => one.Delta is not null).Select(one => one.Delta).ToArray();
        Assert.Equal(("Look.", "Hm."), (TextOf(events), string.Concat(deltas.Select(delta => delta.Reasoning))));
        var calls = deltas.SelectMany(delta => delta.ToolCalls).ToArray();
        Assert.Equal("f", Assert.Single(calls, call => call.Id.Length > 0).Name);
        Assert.Equal("{\"n\": 1}", string.Concat(calls.Select(call => call.Arguments)));
        Assert.Equal(FinishReason.ToolCalls, Assert.Single(events, one => one.ChoiceFinished is not null).ChoiceFinished.Reason);
        Assert.InRange(events[^1].Completed.ReasoningTokens, 3u, 18u);
    }

    [Theory]
    [InlineData(ToolChoice.Types.Mode.Required)]
    [InlineData(ToolChoice.Types.Mode.Named)]
    public async Task Complete_ACallThatMustComeWithoutTools_IsRefusedByItsField(ToolChoice.Types.Mode mode)
    {
        await using var host = await GatewayHost.StartAsync();
        var request = Request();
        request.ToolChoice = new ToolChoice { Mode = mode, Name = "f" };

        var fault = await Assert.ThrowsAsync<RpcException>(() => CompleteAsync(host, request));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Contains("tool_choice", fault.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Complete_StopStringAcrossTokens_CancelsGenerateAndTrimsUsage()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = _ => FakeGenerator.Letters("one two STOP three four");
        // Past the stop the Generator would go on for ever, if nobody cancelled it.
        host.Generator.BeforeBatch = (number, token) => number < 14 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, token);
        var request = Request();
        request.Stop.Add("STOP");

        var events = await CompleteAsync(host, request);

        Assert.Equal("one two ", TextOf(events));
        var finished = events.Single(one => one.ChoiceFinished is not null).ChoiceFinished;
        Assert.Equal((FinishReason.Stop, "STOP"), (finished.Reason, finished.Stop));
        Assert.Equal(12u, events[^1].Completed.Usage.CompletionTokens);
        Assert.Equal(12, events.Where(one => one.Delta is not null).Sum(one => one.Delta.Ids.Count));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_StopInsideABatch_TrimsIdsToTheTokenThatCompletedIt()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = _ => [FakeTokenizer.Ids("abXYcdef"), FakeTokenizer.Ids("ghi")];
        var request = Request();
        request.Stop.Add("XY");
        request.IncludeStop = true;

        var events = await CompleteAsync(host, request);

        Assert.Equal("abXY", TextOf(events));
        Assert.Equal(FakeTokenizer.Ids("abXY"), events.Where(one => one.Delta is not null).SelectMany(one => one.Delta.Ids));
        Assert.Equal(4u, events[^1].Completed.Usage.CompletionTokens);
    }

    [Fact]
    public async Task Complete_EmojiSplitOverTokens_ComesWhole()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = _ => FakeGenerator.Letters("a👍🏽b");

        var events = await CompleteAsync(host, Request());

        var texts = events.Where(one => one.Delta is not null).Select(one => one.Delta.Text).Where(text => text.Length > 0).ToArray();
        Assert.Equal(["a", "👍", "🏽", "b"], texts);
        Assert.Equal(10, events.Where(one => one.Delta is not null).Sum(one => one.Delta.Ids.Count));
    }

    [Fact]
    public async Task Complete_EndInsideACharacter_FlushesOnce()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = _ => FakeGenerator.Letters("a👍").Take(3);
        host.Generator.Reason = Parley.Generator.V1.FinishReason.MaxTokens;

        var events = await CompleteAsync(host, Request());

        Assert.Equal("a\uFFFD", TextOf(events));
        Assert.Equal(FinishReason.Length, events.Single(one => one.ChoiceFinished is not null).ChoiceFinished.Reason);
    }

    [Fact]
    public async Task Complete_ThreeChoices_AreThreeCallsWithSeedsOfTheirOwn()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = request => FakeGenerator.Letters($"seed {request.Sampling.Seed}");
        var request = Request();
        request.N = 3;
        request.Sampling.Seed = 7;

        var events = await CompleteAsync(host, request);

        var seeds = host.Generator.Requests.Select(one => one.Sampling.Seed).ToArray();
        Assert.Equal(3, seeds.Distinct().Count());
        Assert.Contains(7ul, seeds);
        Assert.Equal("seed 7", TextOf(events));
        Assert.Equal(seeds.Order(), Enumerable.Range(0, 3).Select(choice => ulong.Parse(TextOf(events, (uint)choice)[5..])).Order());
        Assert.Equal(3, events.Count(one => one.ChoiceFinished is not null));
        Assert.Equal(8u, events[^1].Completed.Usage.PromptTokens);
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Complete_OneChoiceStops_TheOthersGoOn()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Script = request => FakeGenerator.Letters(request.Sampling.Seed == 7 ? "ab#cdefgh" : "abcdefghij");
        var request = Request();
        request.N = 2;
        request.Stop.Add("#");
        request.Sampling.Seed = 7;

        var events = await CompleteAsync(host, request);

        Assert.Equal("ab", TextOf(events));
        Assert.Equal("abcdefghij", TextOf(events, 1));
        Assert.Equal(13u, events[^1].Completed.Usage.CompletionTokens);
        Assert.Single(events, one => one.Completed is not null);
    }

    [Fact]
    public async Task Complete_CallerLeavesMidStream_CancelsUpstreamOnceAndLogsNoError()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.BeforeBatch = (number, token) => number < 3 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, token);
        using (var call = host.Client().Complete(Request()))
        {
            while (await call.ResponseStream.MoveNext() && call.ResponseStream.Current.Delta is not { Text.Length: > 0 })
            {
            }
        }

        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
        await AssertEventuallyAsync(() => host.Logs.Entries.Any(line => line.Contains("the caller left before", StringComparison.Ordinal)));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_DeadlinePasses_IsDeadlineExceeded()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.BeforePrompt = token => Task.Delay(Timeout.Infinite, token);
        using var call = host.Client().Complete(Request(), deadline: DateTime.UtcNow.AddMilliseconds(300));

        var fault = await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseStream.MoveNext());

        Assert.Equal(StatusCode.DeadlineExceeded, fault.StatusCode);
        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("tokenizer", "Tokenizer at http://tokenizer")]
    [InlineData("generator", "Generator at http://generator")]
    public async Task Complete_ServiceMissing_IsUnavailableNamingItInTheLogOnlyAndRecovers(string host, string named)
    {
        await using var gateway = await GatewayHost.StartAsync(arrange: one => one.Missing.Add(host));

        var fault = await Assert.ThrowsAsync<RpcException>(() => CompleteAsync(gateway, Request()));
        gateway.Missing.Clear();
        var events = await CompleteAsync(gateway, Request());

        Assert.Equal(StatusCode.Unavailable, fault.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), fault.GetRpcStatus()!.GetDetail<Google.Rpc.RetryInfo>()!.RetryDelay.ToTimeSpan());
        Assert.Equal("The model is not available at the moment.", fault.Status.Detail);
        Assert.Contains(gateway.Logs.Entries, line => line.Contains(named, StringComparison.Ordinal));
        Assert.NotNull(events[^1].Completed);
        gateway.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_TokenizersDiffer_IsRefusedNamingBothHashes()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Sha256 = "bb22");

        var fault = await Assert.ThrowsAsync<RpcException>(() => CompleteAsync(host, Request()));

        Assert.Equal(StatusCode.FailedPrecondition, fault.StatusCode);
        Assert.Contains("aa11", fault.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("bb22", fault.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(host.Generator.Requests);
    }

    [Fact]
    public async Task Complete_GeneratorFailsAfterTokens_EndsInFailed()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Fault = (
            3, new Parley.Generator.V1.FailedEvent { Code = FailureCode.ShuttingDown, Message = "draining", Retryable = true });

        var events = await CompleteAsync(host, Request());

        var failed = Assert.Single(events, one => one.Failed is not null || one.Completed is not null);
        Assert.Same(events[^1], failed);
        Assert.Equal(("unavailable", true), (failed.Failed.Code, failed.Failed.Retryable));
        Assert.Equal("The model is not available at the moment.", failed.Failed.Message);
        Assert.Contains(host.Logs.Entries, line => line.Contains(
            "Generator at http://generator lost the sequence (ShuttingDown): draining", StringComparison.Ordinal));
        await host.AssertIdleAsync();
    }

    [Theory]
    [InlineData(FailureCode.NothingToChoose, "invalid_argument", "No id is left for token 4: banned_token_ids rule out all.")]
    [InlineData(FailureCode.ModelFault, "internal", "The model failed to answer; the server's log has the cause.")]
    [InlineData(FailureCode.Internal, "internal", "The model failed to answer; the server's log has the cause.")]
    [InlineData(FailureCode.StepFailed, "internal", "The model failed to answer; the server's log has the cause.")]
    [InlineData(FailureCode.Unhealthy, "unavailable", "The model is not available at the moment.")]
    public async Task Complete_GeneratorFailsTheSequence_SaysWhoseFaultItIs(FailureCode code, string expected, string message)
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Fault = (
            3, new Parley.Generator.V1.FailedEvent { Code = code, Message = "No id is left for token 4: banned_token_ids rule out all." });

        var events = await CompleteAsync(host, Request());

        Assert.Equal((expected, message), (events[^1].Failed.Code, events[^1].Failed.Message));
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Complete_IsNotRead_IsGivenUpAndItsPermitIsFree()
    {
        var time = new FakeTimeProvider();
        await using var host = await GatewayHost.StartAsync(
            new() { ["ConcurrentChoicesMax"] = "1", ["ChoicesMax"] = "1", ["SlowReaderSeconds"] = "5" }, time);
        host.Generator.Script = _ => Enumerable.Repeat(FakeTokenizer.Ids("never ends "), int.MaxValue);
        using var unread = host.Client().Complete(Request(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(await unread.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (host.Generator.Running > 0)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5, limit.Token);
        }

        Assert.Contains(host.Logs.Entries, line => line.Contains("read nothing for 5 s", StringComparison.Ordinal));
        host.Generator.Script = _ => FakeGenerator.Letters("next");
        await host.AssertIdleAsync();
        Assert.NotNull((await CompleteAsync(host, Request()))[^1].Completed);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_GeneratorIsCutOff_EndsInFailedNamingItInTheLogOnly()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Fault = (3, null);

        var events = await CompleteAsync(host, Request());

        Assert.Equal("The model is not available at the moment.", events[^1].Failed.Message);
        Assert.Contains(host.Logs.Entries, line => line.Contains(
            $"The Generator at http://generator answered Unavailable: {FakeGenerator.TransportWords}", StringComparison.Ordinal));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_TokenizerIsCutOff_EndsInFailedAndCancelsGenerate()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Tokenizer.DetokenizeFaultAfter = 2;
        host.Generator.BeforeBatch = (number, token) => number < 4 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, token);

        var events = await CompleteAsync(host, Request());

        Assert.Equal("The model is not available at the moment.", events[^1].Failed.Message);
        Assert.Contains(host.Logs.Entries, line => line.Contains("Tokenizer at http://tokenizer", StringComparison.Ordinal));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_GeneratorIsFull_IsResourceExhaustedBeforeAnyEvent()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Refusal = ServiceDefaults.RpcFaults.Create(StatusCode.ResourceExhausted, "the queue is full", []);

        var fault = await Assert.ThrowsAsync<RpcException>(() => CompleteAsync(host, Request()));

        Assert.Equal(StatusCode.ResourceExhausted, fault.StatusCode);
        Assert.Contains("the queue is full", fault.Status.Detail, StringComparison.Ordinal);
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Complete_ManyFaults_AreAllInTheDetails()
    {
        await using var host = await GatewayHost.StartAsync();
        var request = new CompleteRequest { Sampling = new SamplingParameters { Temperature = float.NaN, TopP = 2 }, N = 99 };

        var fault = await Assert.ThrowsAsync<RpcException>(() => CompleteAsync(host, request));

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        var fields = fault.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(violation => violation.Field);
        Assert.Equal(["chat.messages", "n", "sampling.temperature", "sampling.top_p"], fields);
    }

    [Fact]
    public async Task Complete_RequestIdGiven_ReachesBothServices()
    {
        await using var host = await GatewayHost.StartAsync();
        var request = Request();
        request.RequestId = "trace-1";

        var events = await CompleteAsync(host, request);

        Assert.Equal("trace-1", events[0].Accepted.RequestId);
        Assert.Equal(["trace-1"], host.Tokenizer.RequestIds);
        Assert.Equal("trace-1", Assert.Single(host.Generator.Requests).RequestId);
        Assert.Equal("aa11", Assert.Single(host.Generator.Requests).TokenizerSha256);
    }

    [Fact]
    public async Task Inspect_PlainChat_ShowsEveryStage()
    {
        await using var host = await GatewayHost.StartAsync();

        var shown = await host.Client().InspectAsync(new InspectRequest { Request = Request(), Candidates = 2 });

        Assert.Equal("<user>Hi", shown.Rendered);
        Assert.Equal(8, shown.Prompt.Count);
        Assert.Equal("Hello, world!", shown.Text);
        Assert.Equal(FakeTokenizer.Ids("Hello, world!"), shown.Answer.Select(piece => piece.Id));
        Assert.Equal(13, shown.Traces.Count);
        Assert.Equal(0.75f, shown.Traces[0].Candidates[0].Stages[0].Probability);
        Assert.Equal(50u, shown.Sampling.TopK);
        Assert.Equal(42ul, shown.Seed);
        Assert.Equal(13u, shown.Usage.CompletionTokens);
    }

    private static async Task AssertEventuallyAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
            await Task.Delay(5, limit.Token);
    }
}
