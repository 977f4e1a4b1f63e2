using Google.Rpc;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Parley.Generator.Engine;
using Parley.Generator.Tests.Doubles;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>An engine that has broken says so, to probes and callers, and never that it shuts down.</summary>
public sealed class UnhealthyTests
{
    private const string Told = "The service is unhealthy.";

    [Fact]
    public async Task Serve_TheEnginesThreadFails_TheProcessStaysUnhealthyAndEveryStreamIsTold()
    {
        var clock = new BreakingClock();
        await using var app = await GeneratorApp.StartAsync(time: clock);
        using var gate = new SemaphoreSlim(1);
        app.Runner.BeforeRun = _ => gate.Wait();
        using var call = app.Client.Generate(Endless());
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        clock.IsBroken = true;
        gate.Release(1000);
        var last = call.ResponseStream.Current;
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
            last = call.ResponseStream.Current;

        Assert.Equal((Wire.FailureCode.Unhealthy, Told, true), (last.Failed.Code, last.Failed.Message, last.Failed.Retryable));
        await AssertUnhealthy(app, "The engine's thread failed; the service's log has the cause.");
        Assert.Contains("stands still", Assert.Single(app.Log.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_StepsKeepFailing_IsUnhealthyAlsoWhenItIsShutDown()
    {
        var runner = new ScriptedModelRunner();
        await using var app = await GeneratorApp.StartAsync(runner, settings: ("Generator:StepFailuresMax", "2"));
        runner.BeforeRun = _ => throw new InvalidOperationException("device");
        for (var i = 0; i < 2; i++)
            Assert.NotNull((await app.GenerateAsync(Endless()))[^1].Failed);

        await UntilUnhealthy(app);
        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await AssertUnhealthy(app, "2 steps in a row failed.");
    }

    [Fact]
    public async Task Serve_AModelWithoutNumbers_FailsEachRequestByNameAndThenIsUnhealthy()
    {
        var runner = new ScriptedModelRunner();
        await using var app = await GeneratorApp.StartAsync(runner, settings: ("Generator:ModelFaultsMax", "3"));
        runner.LogitsOf = _ => [.. Enumerable.Repeat(float.NaN, 64)];
        for (var i = 0; i < 3; i++)
        {
            var failed = (await app.GenerateAsync(Endless()))[^1].Failed;
            Assert.Equal((Wire.FailureCode.ModelFault, false), (failed.Code, failed.Retryable));
            Assert.Contains("token 1 of the answer", failed.Message, StringComparison.Ordinal);
        }

        await UntilUnhealthy(app);
        await AssertUnhealthy(app, "The model gave no numbers in 3 steps in a row.");
    }

    [Fact]
    public async Task Generate_SettingsThatLeaveNothingLater_FailsWithTheirNamesAndNothingElseHappens()
    {
        await using var app = await GeneratorApp.StartAsync();
        var events = await app.GenerateAsync(new Wire.GenerateRequest
        {
            PromptIds = { 1 },
            Sampling = new Wire.SamplingParameters { AllowedTokenIds = { 4, 5 }, NoRepeatNgramSize = 1, MaxTokens = 9 },
        });
        var failed = events[^1].Failed;
        Assert.Equal((Wire.FailureCode.NothingToChoose, false, 2u), (failed.Code, failed.Retryable, failed.Usage.CompletionTokens));
        Assert.Contains("no_repeat_ngram_size 1 and allowed_token_ids", failed.Message, StringComparison.Ordinal);
        Assert.Equal(EngineState.Ready, app.Host.State);
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Generate_AThousandBadIdsBesideThreeStreams_IsOneShortRefusalAndTheStreamsGoOn()
    {
        await using var app = await GeneratorApp.StartAsync();
        using var gate = new SemaphoreSlim(0);
        app.Runner.BeforeRun = _ => gate.Wait();
        var streams = Enumerable.Range(0, 3).Select(i => app.GenerateAsync(new Wire.GenerateRequest
        {
            PromptIds = { EngineBench.Prompt(5, (uint)i) },
            Sampling = new Wire.SamplingParameters { MaxTokens = 12, IgnoreEos = true },
        })).ToList();
        var bad = new Wire.SamplingParameters();
        for (var id = 0u; id < 1000; id++)
            bad.LogitBias[1_000_000 + id] = 1;

        var fault = await Assert.ThrowsAsync<RpcException>(
            () => app.GenerateAsync(new Wire.GenerateRequest { PromptIds = { 1 }, Sampling = bad }));
        gate.Release(1000);

        Assert.Equal(StatusCode.InvalidArgument, fault.StatusCode);
        var violations = fault.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations;
        Assert.Equal("sampling.logit_bias[1000000]", violations[0].Field);
        Assert.InRange(violations.Count, 2, 16);
        var trailers = fault.Trailers.Sum(
            entry => entry.Key.Length + (entry.IsBinary ? entry.ValueBytes.Length * 4 / 3 : entry.Value.Length));
        Assert.InRange(trailers + fault.Status.Detail.Length, 100, 4096);
        for (var i = 0; i < 3; i++)
        {
            uint[] ids = [.. (await streams[i]).Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids)];
            Assert.Equal(EngineBench.Expected(EngineBench.Prompt(5, (uint)i), EngineBench.Greedy(12)), ids);
        }

        app.Log.AssertNoErrors();
    }

    private static Wire.GenerateRequest Endless() =>
        new() { PromptIds = { 1, 2 }, Sampling = new Wire.SamplingParameters { MaxTokens = 200, IgnoreEos = true } };

    private static async Task UntilUnhealthy(GeneratorApp app)
    {
        while (app.Host.State != EngineState.Unhealthy)
            await Task.Yield();
    }

    private static async Task AssertUnhealthy(GeneratorApp app, string reason)
    {
        try
        {
            Assert.Equal((EngineState.Unhealthy, reason), (app.Host.State, app.Host.UnhealthyReason));
            var generate = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(Endless()));
            var describe = await Assert.ThrowsAsync<RpcException>(async () => await app.Client.DescribeAsync(new Wire.DescribeRequest()));
            Assert.Equal((StatusCode.Unavailable, Told), (generate.StatusCode, generate.Status.Detail));
            Assert.Equal((StatusCode.Unavailable, Told), (describe.StatusCode, describe.Status.Detail));
            Assert.NotNull(generate.GetRpcStatus()!.GetDetail<RetryInfo>());
            var load = await app.Client.GetLoadAsync(new Wire.GetLoadRequest());
            Assert.Equal((true, false), (load.Unhealthy, load.Draining));
            var health = new Health.HealthClient(app.Channel);
            foreach (var service in new[] { "liveness", "readiness" })
            {
                var status = (await health.CheckAsync(new HealthCheckRequest { Service = service })).Status;
                Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, status);
            }

            var report = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(CancellationToken.None);
            Assert.Equal((reason, reason), (report.Entries["generator"].Description, report.Entries["generator-engine"].Description));
        }
        finally
        {
            Environment.ExitCode = 0;
        }
    }
}
