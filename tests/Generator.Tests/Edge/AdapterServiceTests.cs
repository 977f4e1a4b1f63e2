using Grpc.Core;
using Parley.Generator.Tests.Adapters;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Execution;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>Loading, unloading and asking for adapters through the contract.</summary>
public sealed class AdapterServiceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Adapters_LoadedAndUnloaded_AreDescribedServedAndRefused()
    {
        await using var app = await StartAsync();
        var adapters = new Wire.Adapters.AdaptersClient(app.Channel);
        AdapterFolder.WriteSmall(_folder.Path, "first");

        var loaded = await adapters.LoadAsync(new Wire.LoadAdapterRequest { Name = "org/a", Path = "first" });
        var described = await app.Client.DescribeAsync(new Wire.DescribeRequest());
        var plain = Ids(await app.GenerateAsync(Request("")));
        var adapted = Ids(await app.GenerateAsync(Request("org/a")));
        var again = await adapters.LoadAsync(new Wire.LoadAdapterRequest { Name = "org/a", Path = Path.Combine(_folder.Path, "first") });
        var unloaded = await adapters.UnloadAsync(new Wire.UnloadAdapterRequest { Name = "org/a" });
        var refused = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(Request("org/a")));

        Assert.Equal((false, 0u, "org/a", 4u, 2u),
            (loaded.Replaced, loaded.SequencesLeft, loaded.Adapter.Name, loaded.Adapter.RankMax, loaded.Adapter.Linears));
        Assert.True(described.AdapterLoading);
        Assert.Equal(loaded.Adapter, Assert.Single(described.Adapters));
        Assert.NotEqual(plain, adapted);
        Assert.True(again.Replaced);
        Assert.Equal(0u, unloaded.SequencesLeft);
        Assert.Equal(StatusCode.NotFound, refused.StatusCode);
        Assert.Contains("none is loaded", refused.Status.Detail, StringComparison.Ordinal);
        app.Log.AssertNoErrors();
    }

    /// <summary>One that is resumed elsewhere needs the adapter there.</summary>
    [Fact]
    public async Task Generate_AnUnknownAdapter_IsNotFoundWithTheKnownNames()
    {
        await using var app = await StartAsync(("Generator:Adapters:known", AdapterFolder.WriteSmall(_folder.Path, "known")));
        var request = Request("other");
        request.ResumeIds.Add(3);

        var refused = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(request));

        Assert.Equal(StatusCode.NotFound, refused.StatusCode);
        Assert.Contains("'other'", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("known", refused.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>A request that is refused for anything else holds nothing.</summary>
    [Fact]
    public async Task Unload_WhileAnAnswerIsWritten_SaysSoAndLetsItEnd()
    {
        await using var app = await StartAsync(("Generator:Adapters:a", AdapterFolder.WriteSmall(_folder.Path, "a")));
        var adapters = new Wire.Adapters.AdaptersClient(app.Channel);
        var invalid = Request("a");
        invalid.PromptIds.Add(1000);
        await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(invalid));
        using var entered = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        app.Runner.BeforeRun = _ =>
        {
            app.Runner.BeforeRun = null;
            entered.Release();
            go.Wait(TimeSpan.FromSeconds(60));
        };
        var answering = app.GenerateAsync(Request("a"));
        await entered.WaitAsync(TimeSpan.FromSeconds(60));

        var unloaded = await adapters.UnloadAsync(new Wire.UnloadAdapterRequest { Name = "a" });
        go.Release();
        var events = await answering;

        Assert.Equal(1u, unloaded.SequencesLeft);
        Assert.NotNull(events[^1].Finished);
        Assert.Equal(0, app.Host.Adapters!.Bytes);
    }

    [Theory]
    [InlineData("a", "", StatusCode.InvalidArgument, "path")]
    [InlineData("a", "..", StatusCode.InvalidArgument, "leads out of")]
    [InlineData("a", "../outside", StatusCode.InvalidArgument, "leads out of")]
    [InlineData("a", "/etc", StatusCode.InvalidArgument, "leads out of")]
    [InlineData("a", ".", StatusCode.InvalidArgument, "leads out of")]
    [InlineData("a", "missing", StatusCode.InvalidArgument, "there is no such folder")]
    [InlineData("scripted", "first", StatusCode.InvalidArgument, "the model's own name")]
    [InlineData("a b", "first", StatusCode.InvalidArgument, "letters and digits")]
    public async Task Load_WhatCannotBe_IsRefusedByField(string name, string path, StatusCode status, string expected)
    {
        await using var app = await StartAsync();
        AdapterFolder.WriteSmall(_folder.Path, "first");

        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Wire.Adapters.AdaptersClient(app.Channel).LoadAsync(new Wire.LoadAdapterRequest { Name = name, Path = path }));

        Assert.Equal(status, refused.StatusCode);
        Assert.Contains(expected, refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_WithoutADirectory_IsUnimplemented()
    {
        await using var app = await StartAsync(directory: "");

        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Wire.Adapters.AdaptersClient(app.Channel).LoadAsync(new Wire.LoadAdapterRequest { Name = "a", Path = "first" }));

        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
        Assert.Contains("Generator:AdapterDirectory is not set", refused.Status.Detail, StringComparison.Ordinal);
        Assert.False((await app.Client.DescribeAsync(new Wire.DescribeRequest())).AdapterLoading);
    }

    [Fact]
    public async Task Start_WithABrokenAdapter_EndsWithItsNameAndFile()
    {
        var exception = await Assert.ThrowsAsync<InvalidDataException>(
            () => StartAsync(("Generator:Adapters:broken", Path.Combine(_folder.Path, "nowhere"))));

        Assert.Contains("Generator:Adapters:broken: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains("there is no such folder", exception.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private Task<GeneratorApp> StartAsync(params (string Key, string Value)[] settings) => StartAsync(_folder.Path, settings);

    private static Task<GeneratorApp> StartAsync(string directory, params (string Key, string Value)[] settings)
    {
        var runner = new ScriptedModelRunner { Adapted = AdapterFolder.Model().Linears };
        return GeneratorApp.StartAsync(
            runner, open: () => GeneratorApp.Model(runner) with { Manifest = TinyModel.Manifest("int4") },
            settings: [("Generator:AdapterDirectory", directory), .. settings]);
    }

    private static Wire.GenerateRequest Request(string adapter) => new()
    {
        PromptIds = { 1, 2, 3, 4, 5 },
        Adapter = adapter,
        Sampling = new Wire.SamplingParameters { MaxTokens = 8, Temperature = 0, IgnoreEos = true },
    };

    private static uint[] Ids(List<Wire.GenerateResponse> events) =>
        [.. events.Where(e => e.Tokens is not null).SelectMany(e => e.Tokens.Ids)];
}
