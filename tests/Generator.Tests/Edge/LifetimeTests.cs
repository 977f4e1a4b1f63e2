using Grpc.Core;
using Microsoft.Extensions.Options;
using Parley.Generator.Tests.Doubles;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

public sealed class LifetimeTests
{
    [Fact]
    public async Task Start_BrokenPackage_ThrowsItsReasonBeforeListening()
    {
        var fault = await Assert.ThrowsAsync<InvalidDataException>(() => GeneratorApp.StartAsync(
            open: () => throw new InvalidDataException("/models/x/parley.json: formatVersion is missing")));
        Assert.Contains("parley.json: formatVersion", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NoPackageDirectory_NamesTheSetting()
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(
            () => GeneratorApp.StartAsync(settings: [("Generator:PackageDirectory", "")]));
        Assert.Contains("Generator:PackageDirectory", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SettingsThatContradict_NamesBoth()
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(
            () => GeneratorApp.StartAsync(settings: [("Generator:RunningSequencesMax", "64")]));
        Assert.Contains("Generator:StepTokensMax is 32", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_WithAStreamThatEndsInTime_LetsItFinish()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = new ScriptedModelRunner();
        await using var app = await GeneratorApp.StartAsync(runner);
        runner.BeforeRun = _ => gate.Wait();
        using var call = app.Client.Generate(new Wire.GenerateRequest
        {
            PromptIds = { 1 },
            Sampling = new Wire.SamplingParameters { MaxTokens = 5, IgnoreEos = true },
        });
        gate.Release();
        await call.ResponseStream.MoveNext(CancellationToken.None);

        var stop = app.StopAsync();
        while (!(await app.Client.GetLoadAsync(new Wire.GetLoadRequest())).Draining)
            await Task.Yield();
        var refused = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(new Wire.GenerateRequest { PromptIds = { 2 } }));
        gate.Release(100);
        Wire.GenerateResponse? last = null;
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
            last = call.ResponseStream.Current;
        await stop;

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Equal(Wire.FinishReason.MaxTokens, last!.Finished.Reason);
        Assert.True(runner.IsDisposed);
        app.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Load_RunnerCannotBeMade_StopsTheProcessAndSaysWhy()
    {
        await using var app = await GeneratorApp.StartAsync(
            waitUntilReady: false,
            open: () => GeneratorApp.Model(new ScriptedModelRunner()) with
            {
                CreateRunner = _ => throw new InvalidDataException("/models/x/model.onnx: node 3 has no kernel"),
            });
        await Assert.ThrowsAsync<InvalidDataException>(() => app.Host.Ready);
        Environment.ExitCode = 0;
        Assert.Contains(app.Log.Errors, entry => entry.Contains("model.onnx: node 3", StringComparison.Ordinal));
    }
}
