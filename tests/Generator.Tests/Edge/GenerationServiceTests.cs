using Google.Rpc;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.DependencyInjection;
using Parley.Generator.Admission;
using Parley.Generator.Tests.Doubles;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

public sealed class GenerationServiceTests
{
    [Fact]
    public async Task Generate_GreedyPrompt_StreamsPromptTokensAndOneEnding()
    {
        await using var app = await GeneratorApp.StartAsync();
        var prompt = EngineBench.Prompt(9);

        var events = await app.GenerateAsync(Request(prompt, new Wire.SamplingParameters { MaxTokens = 12, IgnoreEos = true }));

        Assert.Equal(Wire.GenerateResponse.EventOneofCase.Prompt, events[0].EventCase);
        Assert.Equal(9u, events[0].Prompt.PromptTokens);
        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(12)), Ids(events));
        Assert.Single(events, e => e.Finished is not null || e.Failed is not null);
        var finished = events[^1].Finished;
        Assert.Equal(Wire.FinishReason.MaxTokens, finished.Reason);
        Assert.Equal((9u, 12u), (finished.Usage.PromptTokens, finished.Usage.CompletionTokens));
        Assert.NotNull(finished.Load);
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_SameSeedAmongOthers_GivesTheSameAnswer()
    {
        await using var app = await GeneratorApp.StartAsync(new ScriptedModelRunner(blockCount: 400));
        var prompt = EngineBench.Prompt(11);
        var request = Request(prompt, new Wire.SamplingParameters { MaxTokens = 20, IgnoreEos = true, Seed = 99, Temperature = 0.8f });
        var alone = Ids(await app.GenerateAsync(request));

        var others = Enumerable.Range(0, 12).Select(i => app.GenerateAsync(
            Request(EngineBench.Prompt(5 + i, (uint)i), new Wire.SamplingParameters { MaxTokens = 30, Seed = (ulong)i })));
        var together = await Task.WhenAll(others.Append(app.GenerateAsync(request)));

        Assert.Equal(alone, Ids(together[^1]));
        Assert.All(together, events => Assert.Equal(Wire.GenerateResponse.EventOneofCase.Finished, events[^1].EventCase));
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_FiveHundredAtOnce_LosesNothingAndLeavesNothing()
    {
        await using var app = await GeneratorApp.StartAsync(
            new ScriptedModelRunner(blockCount: 2000),
            settings:
            [
                ("Generator:RunningSequencesMax", "64"), ("Generator:StepTokensMax", "128"), ("Generator:QueuedRequestsMax", "500"),
            ]);
        var answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => app.GenerateAsync(
            Request(EngineBench.Prompt(3 + (i % 17), (uint)i), new Wire.SamplingParameters { MaxTokens = 20, IgnoreEos = true }))));

        for (var i = 0; i < answers.Length; i++)
        {
            Assert.Equal(EngineBench.Expected(EngineBench.Prompt(3 + (i % 17), (uint)i), EngineBench.Greedy(20)), Ids(answers[i]));
            Assert.Single(answers[i], e => e.Finished is not null || e.Failed is not null);
        }

        var load = await app.Client.GetLoadAsync(new Wire.GetLoadRequest());
        Assert.Equal((0u, 0u, 0u), (load.RunningSequences, load.QueuedRequests, load.KvBlocksUsed));
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_LogprobsAndTrace_ComeWithEachToken()
    {
        await using var app = await GeneratorApp.StartAsync();
        var events = await app.GenerateAsync(Request([1, 2, 3], new Wire.SamplingParameters
        {
            MaxTokens = 3,
            IgnoreEos = true,
            Seed = 4,
            Temperature = 0.7f,
            TopK = 10,
            TopP = 0.8f,
            TopLogprobs = 2,
            TraceCandidates = 5,
        }));
        var tokens = events.Where(e => e.Tokens is not null).Select(e => e.Tokens).ToList();
        Assert.Equal(3, tokens.Sum(t => t.Logprobs.Count));
        Assert.Equal(3, tokens.Sum(t => t.Traces.Count));
        var (ids, first, trace) = (tokens[0].Ids, tokens[0].Logprobs[0], tokens[0].Traces[0]);
        Assert.Equal(2, first.Top.Count);
        Assert.True(first.Top[0].Logprob >= first.Top[1].Logprob && first.Logprob <= first.Top[0].Logprob);
        Assert.Equal(["logits", "temperature", "top_k", "top_p"], trace.Candidates[0].Stages.Select(stage => stage.Stage));
        Assert.Contains(trace.Candidates, candidate => candidate.Id == ids[0] && candidate.Stages[^1].Probability > 0);
        Assert.InRange(trace.Candidates.Count, 5, 6);
    }

    [Fact]
    public async Task Generate_EverythingWrong_NamesEveryField()
    {
        await using var app = await GeneratorApp.StartAsync();
        var fault = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(Request([1, 64, 65], new Wire.SamplingParameters
        {
            Temperature = -1,
            TopP = float.NaN,
            MinTokens = 5,
            MaxTokens = 2,
            TopLogprobs = 1000,
            StopTokenIds = { 1, 99 },
            LogitBias = { [70] = 1 },
        })));
        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        var fields = fault.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(violation => violation.Field);
        Assert.Equal(
            ["prompt_ids[1]", "sampling.temperature", "sampling.top_p", "sampling.top_logprobs", "sampling.min_tokens",
                "sampling.stop_token_ids[1]", "sampling.logit_bias[70]"], fields);
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_PromptBeyondTheContext_NamesBothNumbers()
    {
        await using var app = await GeneratorApp.StartAsync(new ScriptedModelRunner(blockCount: 8));
        var fault = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(Request(EngineBench.Prompt(32), null)));
        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        Assert.Contains("32", fault.Status.Detail, StringComparison.Ordinal);
        var empty = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(Request([], null)));
        Assert.Equal(StatusCode.InvalidArgument, empty.StatusCode);
    }

    [Fact]
    public async Task Generate_WrongPairing_IsRefusedByName()
    {
        await using var app = await GeneratorApp.StartAsync();
        await AssertRefused(app, StatusCode.NotFound, new Wire.GenerateRequest { Model = "other", PromptIds = { 1 } });
        await AssertRefused(app, StatusCode.FailedPrecondition, new Wire.GenerateRequest { TokenizerSha256 = "ff", PromptIds = { 1 } });
        await AssertRefused(app, StatusCode.InvalidArgument, new Wire.GenerateRequest
        {
            PromptIds = { 1 },
            ResumeIds = { EngineBench.Eos },
            Sampling = new Wire.SamplingParameters { Seed = 1 },
        });
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_Resumed_ContinuesBitExact()
    {
        await using var app = await GeneratorApp.StartAsync();
        var sampling = new Wire.SamplingParameters { MaxTokens = 16, IgnoreEos = true, Seed = 5, Temperature = 1.2f };
        var whole = Ids(await app.GenerateAsync(Request(EngineBench.Prompt(7), sampling)));
        var request = Request(EngineBench.Prompt(7), sampling);
        request.ResumeIds.Add(whole[..6]);
        Assert.Equal(whole[6..], Ids(await app.GenerateAsync(request)));
    }

    [Fact]
    public async Task Generate_FullQueue_IsResourceExhaustedWithRetryInfo()
    {
        using var gate = new ManualResetEventSlim(false);
        var runner = new ScriptedModelRunner();
        await using var app = await GeneratorApp.StartAsync(
            runner, settings: [("Generator:RunningSequencesMax", "1"), ("Generator:QueuedRequestsMax", "1")]);
        runner.BeforeRun = _ => gate.Wait();
        var warmUpRuns = runner.Runs;
        var running = app.GenerateAsync(Request([1], new Wire.SamplingParameters { MaxTokens = 2, IgnoreEos = true }));
        while ((await app.Client.GetLoadAsync(new Wire.GetLoadRequest())).QueuedRequests != 0 || runner.Runs == warmUpRuns)
            await Task.Yield();
        using var queued = app.Client.Generate(Request([2], new Wire.SamplingParameters { MaxTokens = 2 }));
        while ((await app.Client.GetLoadAsync(new Wire.GetLoadRequest())).QueuedRequests != 1)
            await Task.Yield();

        var fault = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(Request([3], null)));

        Assert.Equal(StatusCode.ResourceExhausted, fault.StatusCode);
        Assert.Equal(2, fault.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.Seconds);
        gate.Set();
        await running;
    }

    [Fact]
    public async Task Generate_QueueLongerThanTheDeadline_IsResourceExhaustedWithRetryInfo()
    {
        using var gate = new ManualResetEventSlim(false);
        var runner = new ScriptedModelRunner();
        await using var app = await GeneratorApp.StartAsync(runner, settings: ("Generator:RunningSequencesMax", "1"));
        runner.BeforeRun = _ => gate.Wait();
        var warmUpRuns = runner.Runs;
        using var running = app.Client.Generate(Request([1], new Wire.SamplingParameters { MaxTokens = 2, IgnoreEos = true }));
        while (runner.Runs == warmUpRuns)
            await Task.Yield();
        using var queued = app.Client.Generate(Request(EngineBench.Prompt(120), new Wire.SamplingParameters { MaxTokens = 2 }));
        while ((await app.Client.GetLoadAsync(new Wire.GetLoadRequest())).QueuedPromptTokens < 120)
            await Task.Yield();

        // Slow as never measured: 120 tokens take an hour and more.
        app.Services.GetRequiredService<AdmissionQueue>().Rate.Observe(300, TimeSpan.FromHours(6));
        using var call = app.Client.Generate(Request([3], null), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(10));
        var fault = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal(StatusCode.ResourceExhausted, fault.StatusCode);
        Assert.InRange(fault.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.Seconds, 3600, 3600 * 6);
        gate.Set();
    }

    [Fact]
    public async Task Generate_ManyCallersLeave_NothingIsHeld()
    {
        await using var app = await GeneratorApp.StartAsync(new ScriptedModelRunner(blockCount: 400));
        using var source = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 40).Select(i => app.Client.Generate(
            Request(EngineBench.Prompt(5, (uint)i), new Wire.SamplingParameters { MaxTokens = 1500, IgnoreEos = true }),
            cancellationToken: source.Token)).ToList();
        await calls[0].ResponseStream.MoveNext(CancellationToken.None);

        await source.CancelAsync();

        Wire.GetLoadResponse load;
        do
        {
            await Task.Yield();
            load = await app.Client.GetLoadAsync(new Wire.GetLoadRequest());
        }
        while (load.RunningSequences + load.QueuedRequests + load.KvBlocksUsed > 0);
        calls.ForEach(call => call.Dispose());
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_FiveHundredStreams_LosesNothing()
    {
        await using var app = await GeneratorApp.StartAsync(
            new ScriptedModelRunner(blockCount: 100), settings: [("Generator:QueuedRequestsMax", "512")]);
        var sampling = new Wire.SamplingParameters { MaxTokens = 6, IgnoreEos = true };

        var streams = await Task.WhenAll(Enumerable.Range(0, 500).Select(
            i => app.GenerateAsync(Request(EngineBench.Prompt(3 + (i % 9), (uint)(i % 5)), sampling))));

        for (var i = 0; i < 500; i++)
            Assert.Equal(EngineBench.Expected(EngineBench.Prompt(3 + (i % 9), (uint)(i % 5)), EngineBench.Greedy(6)), Ids(streams[i]));
        Wire.GetLoadResponse load;
        do
        {
            load = await app.Client.GetLoadAsync(new Wire.GetLoadRequest());
        }
        while (load.RunningSequences > 0);
        Assert.Equal((3000ul, 0u), (load.CompletionTokens, load.KvBlocksUsed));
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_DeadlineInThePast_IsDeadlineExceeded()
    {
        await using var app = await GeneratorApp.StartAsync();
        using var call = app.Client.Generate(Request([1], null), deadline: DateTime.UtcNow.AddSeconds(-1));
        var fault = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.DeadlineExceeded, fault.StatusCode);
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Describe_ReadyService_TellsWhatIsLoaded()
    {
        await using var app = await GeneratorApp.StartAsync(
            defaults: new() { DoSample = true, Temperature = 0.6f, TopK = 50, TopP = 0.9f, EosTokenIds = [63] });
        var description = await app.Client.DescribeAsync(new Wire.DescribeRequest());
        Assert.Equal(("scripted", "fp32", "script"), (description.Model, description.Precision, description.Device));
        Assert.Equal(
            (64u, 64u, 4u, 256u), (description.VocabularySize, description.KvBlocks, description.KvBlockTokens,
                description.ContextTokensMax));
        var sampling = description.DefaultSampling;
        Assert.Equal((0.6f, 50u, 0.9f), (sampling.Temperature, sampling.TopK, sampling.TopP));
        Assert.Equal([63u], description.EosTokenIds);
        Assert.Empty(description.UnsupportedFields);
    }

    [Fact]
    public async Task Health_BeforeTheModelIsLoaded_IsLiveAndNotReady()
    {
        using var gate = new ManualResetEventSlim(false);
        var runner = new ScriptedModelRunner { BeforeRun = _ => gate.Wait() };
        await using var app = await GeneratorApp.StartAsync(runner, waitUntilReady: false);
        var health = new Health.HealthClient(app.Channel);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, await Check("readiness"));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await Check("liveness"));
        await AssertRefused(app, StatusCode.Unavailable, Request([1], null));

        gate.Set();
        await app.Host.Ready;

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await Check("readiness"));
        Assert.Contains(app.Log.Entries, entry => entry.Contains("Serving scripted (fp32) on script", StringComparison.Ordinal));

        async Task<HealthCheckResponse.Types.ServingStatus> Check(string service) =>
            (await health.CheckAsync(new HealthCheckRequest { Service = service })).Status;
    }

    private static async Task AssertRefused(GeneratorApp app, StatusCode code, Wire.GenerateRequest request)
    {
        var fault = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(request));
        Assert.Equal(code, fault.StatusCode);
    }

    private static Wire.GenerateRequest Request(uint[] prompt, Wire.SamplingParameters? sampling) =>
        new() { RequestId = "test", PromptIds = { prompt }, Sampling = sampling };

    private static uint[] Ids(List<Wire.GenerateResponse> events) =>
        [.. events.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids)];
}
