using System.Diagnostics;
using Parley.ModelHub.Tests.Doubles;

namespace Parley.ModelHub.Tests;

/// <summary>The Hub's own client on our cache, and Parley on its: it runs where <c>PARLEY_HF_CLI</c> names its program <c>hf</c>.</summary>
public sealed class HubClientTests
{
    private const string Name = "org/small-model";

    [Fact]
    public async Task HubClient_OfflineOnOurCache_FindsTheWholeModel()
    {
        var hf = Program();
        await using var bench = await HubBench.StartAsync();
        var repository = bench.AddModel(Name);
        repository.Files.Remove("pytorch_model.bin");
        repository.Files.Remove("README.md");
        var model = await bench.PullAsync(Name);

        var (code, output) = await RunAsync(hf, bench, offline: true, "download", Name);

        Assert.True(code == 0, output);
        Assert.Contains(model.Folder, output, StringComparison.Ordinal);
        bench.Hub.Requests.Clear();
        (code, output) = await RunAsync(
            hf, bench, offline: false, "cache", "verify", Name, "--fail-on-missing-files", "--fail-on-extra-files");
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task HubClient_OfflineOnAPartOfACommit_TakesWhatIsThere()
    {
        var hf = Program();
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        await bench.PullAsync(Name);
        var (code, output) = await RunAsync(hf, bench, offline: true, "download", Name);
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Pull_OnTheHubClientsCache_FetchesNothing()
    {
        var hf = Program();
        await using var bench = await HubBench.StartAsync();
        bench.AddModel(Name);
        var (code, output) = await RunAsync(hf, bench, offline: false, "download", Name);
        Assert.True(code == 0, output);
        bench.Hub.Requests.Clear();

        var model = await bench.PullAsync(Name);

        Assert.Equal(0, model.BytesFetched);
        Assert.DoesNotContain(bench.Hub.Requests, request => request.IsFile);
        Assert.Equal(model.Folder, (await bench.PullAsync(Name, bench.Settings(offline: true))).Folder);
    }

    private static string Program()
    {
        var program = Environment.GetEnvironmentVariable("PARLEY_HF_CLI");
        Assert.SkipUnless(!string.IsNullOrEmpty(program) && File.Exists(program),
            "PARLEY_HF_CLI names no program 'hf' of huggingface_hub 2.4.");
        return program!;
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, HubBench bench, bool offline, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HF_ENDPOINT"] = bench.Hub.Endpoint.AbsoluteUri.TrimEnd('/');
        start.Environment["HF_HUB_CACHE"] = bench.CacheFolder;
        start.Environment["HF_HOME"] = Path.Combine(bench.CacheFolder, "..", "home");
        start.Environment["HF_HUB_OFFLINE"] = offline ? "1" : "0";
        start.Environment["HF_HUB_DISABLE_UPDATE_CHECK"] = "1";
        start.Environment["HF_HUB_DISABLE_TELEMETRY"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await errors);
    }
}
