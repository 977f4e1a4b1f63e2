using Parley.Cli.Gpu;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests;

/// <summary><c>parley gpu</c> on the demo model, everything but the device: what runs on a GPU machine has run here.</summary>
public sealed class GpuCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-gpu-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Check_InRehearsal_PassesEveryComparison()
    {
        var saved = 0;
        var checks = new GpuCheck(Options(), longTokens: 700, "paged", "group-query")
            .Run(["bf16", "int4-fp16"], soFar => saved = soFar.Count, CancellationToken.None);

        Assert.All(checks, check => Assert.True(check.Passed, check.ToString()));
        Assert.Equal(checks.Count, saved);
        string[] kinds = ["logits", "decode", "batched", "eager", "candidates", "long"];
        Assert.All(kinds, kind => Assert.Equal(4, checks.Where(check => check.Check == kind).Select(c => c.Precision).Distinct().Count()));
        Assert.Contains(checks, check => check.Check.StartsWith("chunks", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Bench_InRehearsal_FillsEveryRow(bool graphs)
    {
        var saved = 0;
        var result = new GpuBench(Options(), [1, 3], [16], past: 40, answerTokens: 16, graphs).Run(
            "bf16", soFar => saved = soFar.Steps.Count + soFar.Engine.Count, CancellationToken.None);

        Assert.Null(result.Error);
        Assert.Equal(5, saved);
        Assert.Equal(["prefill", "decode", "decode"], result.Steps.Select(row => row.Kind));
        Assert.Equal(["1", "3"], result.BandwidthShares.Keys);
        Assert.Equal([1, 3], result.Engine.Select(row => row.Sequences));
        Assert.All(result.Steps.Concat(result.Engine), row => Assert.True(row.TokensPerSecond > 0 && double.IsFinite(row.StepMs)));
    }

    private GpuOptions Options() => new(Shared.DemoModel, _folder, Rehearsal: true, DeviceId: 0, LibraryPath: "");
}
