using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Parley.Benchmarks;
using Parley.Benchmarks.Adapters;
using Parley.Benchmarks.Dashboards;
using Parley.Benchmarks.Drafts;
using Parley.Benchmarks.Exports;
using Parley.Benchmarks.Forms;
using Parley.Benchmarks.Gguf;
using Parley.Benchmarks.Guides;

switch (args)
{
    case ["compare"]:
        PeerComparison.Print();
        return;
    case ["scale"]:
        ScalingTable.Print();
        return;
    case ["telemetry"]:
        TelemetryTable.Print();
        return;
    case ["wire"]:
        await WireTable.PrintAsync();
        return;
}

if (args is ["guides", "steps", .. var steps])
{
    GuideSteps.Print(steps);
    return;
}

if (args is ["guides", "grammar", .. var grammars])
{
    GrammarTable.Print(grammars);
    return;
}

if (args is ["adapters", .. var adapters])
{
    AdapterTable.Print(adapters);
    return;
}

if (args is ["drafts", .. var drafts])
{
    HeadDraftTable.Print(drafts);
    return;
}

if (args is ["exports", .. var exports])
{
    ExportTable.Print(exports);
    return;
}

if (args is ["guides", .. var guides])
{
    GuideTable.Print(guides);
    return;
}

if (args is ["dashboards", .. var dashboards])
{
    await DashboardPictures.DrawAsync(dashboards);
    return;
}

if (args is ["hub", .. var hub])
{
    await HubTable.PrintAsync(hub);
    return;
}

if (args is ["gguf", .. var gguf])
{
    await GgufTable.PrintAsync(gguf);
    return;
}

if (args is ["forms", .. var forms])
{
    await FormTable.PrintAsync(forms);
    return;
}

if (args is ["linears", .. var linears])
{
    LinearBench.Run(linears);
    return;
}

if (args is ["experts", .. var experts])
{
    ExpertsBench.Run(experts);
    return;
}

if (args is ["linear-kernel", .. var kernels])
{
    LinearKernelBench.Run(kernels);
    return;
}

if (args is ["attention", .. var settings])
{
    AttentionBench.Run(settings);
    return;
}

if (args is ["latent", .. var latents])
{
    LatentBench.Run(latents);
    return;
}

// In process: the machines at hand have two cores and no room for a second build of the services.
var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithIterationCount(7).WithToolchain(InProcessEmitToolchain.Instance))
    .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableOptimizationsValidator);
BenchmarkSwitcher.FromAssembly(typeof(Material).Assembly).Run(args, config);
