using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml.Linq;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Parley.Generator.V1;
using Parley.ModelPackages;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests.Publishing;

/// <summary>
/// What <c>-p:OnnxRuntime=Gpu</c> publishes: the libraries of one release beside the program, a program that serves on the CPU as well, and
/// that says what a machine without a card lacks.
/// </summary>
[Collection(DemoCollection.Name)]
public sealed class GpuPublishTests(DemoSystem system, PublishedPrograms published) : IClassFixture<PublishedPrograms>
{
    private const string GeneratorProject = "services/Generator";
    private const string ParleyProject = "tools/Parley";
    private const string SelfContained = "-p:OnnxRuntime=Gpu -r linux-x64 --self-contained";
    private const string Core = "libonnxruntime.so";
    private const string CudaProvider = "libonnxruntime_providers_cuda.so";
    private const string SharedProviders = "libonnxruntime_providers_shared.so";

    [SlowTheory]
    [InlineData(GeneratorProject, "-p:OnnxRuntime=Gpu")]
    [InlineData(GeneratorProject, "-p:OnnxRuntime=Gpu -r linux-x64 --no-self-contained")]
    [InlineData(GeneratorProject, SelfContained)]
    [InlineData(ParleyProject, "-p:OnnxRuntime=Gpu -r linux-x64 --no-self-contained")]
    [InlineData(ParleyProject, SelfContained)]
    public async Task Publish_ForCuda_HoldsTheThreeLibrariesOfOneRelease(string project, string arguments)
    {
        var folder = await GetAsync(project, arguments);

        var version = CentralVersion("Microsoft.ML.OnnxRuntime.Gpu.Linux");
        Assert.Equal([Core, CudaProvider, SharedProviders], NativeLibraries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Single(NativeLibraries(folder).Select(Path.GetDirectoryName).Distinct());
        Assert.All(NativeLibraries(folder).Where(path => Path.GetFileName(path) != SharedProviders), path => AssertHolds(path, version));
        Assert.Equal(version, ManagedVersion(folder));
    }

    [SlowTheory]
    [InlineData(GeneratorProject, "-r linux-x64 --no-self-contained")]
    [InlineData(ParleyProject, "-r linux-x64 --self-contained")]
    public async Task Publish_ForTheCpu_HoldsNothingOfCuda(string project, string arguments)
    {
        // The CUDA build first: it must leave nothing behind that the other takes up.
        await GetAsync(project, SelfContained);
        var folder = await GetAsync(project, arguments);

        var version = CentralVersion("Microsoft.ML.OnnxRuntime");
        Assert.DoesNotContain(NativeLibraries(folder), path => Path.GetFileName(path) == CudaProvider);
        AssertHolds(Assert.Single(NativeLibraries(folder), path => Path.GetFileName(path) == Core), version);
        Assert.Equal(version, ManagedVersion(folder));
    }

    [SlowFact]
    public async Task Probe_WithoutACard_NamesTheDriverAndFindsOnnxRuntimeWhole()
    {
        SkipWithACard();
        var folder = await GetAsync(ParleyProject, SelfContained);

        var probe = await CommandRun.RunAsync(Path.Combine(folder, "parley"), ["gpu", "probe"]);

        var version = CentralVersion("Microsoft.ML.OnnxRuntime.Gpu.Linux");
        Assert.Equal(1, probe.ExitCode);
        Assert.Single(probe.Output, line =>
            line.StartsWith("error: CUDA is asked for, and this machine lacks libcuda.so.1 (NVIDIA driver)", StringComparison.Ordinal));
        Assert.Single(probe.Output, line => line.StartsWith("  MISSING libcuda.so.1 (NVIDIA driver)", StringComparison.Ordinal));
        Assert.Single(probe.Output, line =>
            line == $"  ok      {Core} (ONNX Runtime): wanted {version} built for CUDA; found {version} built for CUDA");
        Assert.Single(probe.Output, line =>
            line == $"  ok      {CudaProvider} (ONNX Runtime's CUDA provider): wanted {version}; found {version}");
        Assert.Single(probe.Output, line => line.StartsWith($"  ok      {SharedProviders}", StringComparison.Ordinal));
    }

    [SlowFact]
    public async Task Generator_OfTheCudaBuildOnTheCpu_AnswersAsTheCpuBuild()
    {
        var folder = await GetAsync(GeneratorProject, "-p:OnnxRuntime=Gpu");
        var prompt = await system.Tokenizer.EncodeChatAsync(new EncodeChatRequest
        {
            Chat = new Chat { Messages = { new ChatMessage { Role = "user", Content = "what is a KV cache?" } } },
        });
        var expected = await GenerateAsync(system.Generator, prompt.Ids);
        Assert.NotEmpty(expected);

        using var process = CommandRun.Start(
            PublishedPrograms.Dotnet, [Path.Combine(folder, "Parley.Generator.dll")], Settings(system.Package, "cpu"), out var lines);
        try
        {
            using var channel = await ConnectAsync(lines);
            Assert.Equal(expected, await GenerateAsync(new Generation.GenerationClient(channel), prompt.Ids));
        }
        finally
        {
            process.Kill();
        }
    }

    [SlowFact]
    public async Task Generator_OnCudaWithoutACard_EndsWithALineThatNamesWhatIsMissing()
    {
        SkipWithACard();
        var folder = await GetAsync(GeneratorProject, "-p:OnnxRuntime=Gpu");
        var package = await PackageCache.ImportAsync(
            Shared.DemoModel, Path.Combine(published.Folder, "bf16"), "bf16", CancellationToken.None);

        var run = await CommandRun.RunAsync(
            PublishedPrograms.Dotnet, [Path.Combine(folder, "Parley.Generator.dll")], Settings(package, "cuda"));

        Assert.Equal(1, run.ExitCode);
        Assert.Single(run.Output, line =>
            line.StartsWith("error: CUDA is asked for, and this machine lacks libcuda.so.1 (NVIDIA driver)", StringComparison.Ordinal));
        Assert.DoesNotContain(run.Output, line => line.Contains("Now listening", StringComparison.Ordinal));
    }

    private async Task<string> GetAsync(string project, string arguments)
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64, "ONNX Runtime for CUDA is for linux-x64.");
        return await published.GetAsync(project, arguments);
    }

    private static void SkipWithACard() => Assert.SkipWhen(
        NativeLibrary.TryLoad("libcuda.so.1", out _), "This machine has an NVIDIA driver; what is said without one cannot be seen here.");

    private static List<string> NativeLibraries(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*onnxruntime*", SearchOption.AllDirectories)
            .Where(path => !Path.GetFileName(path).StartsWith("Microsoft.ML.", StringComparison.Ordinal))];

    private static string ManagedVersion(string folder) =>
        AssemblyName.GetAssemblyName(Path.Combine(folder, "Microsoft.ML.OnnxRuntime.dll")).Version!.ToString(3);

    /// <summary>A library holds the version that it was built as as a text of its own.</summary>
    private static void AssertHolds(string path, string version) =>
        Assert.True(File.ReadAllBytes(path).AsSpan().IndexOf(Encoding.ASCII.GetBytes($"\0{version}\0")) >= 0, $"{path} is not {version}");

    private static string CentralVersion(string package) =>
        XDocument.Load(Path.Combine(Shared.RepositoryRoot, "Directory.Packages.props")).Descendants("PackageVersion")
            .Single(element => element.Attribute("Include")!.Value == package).Attribute("Version")!.Value;

    private static Dictionary<string, string> Settings(string package, string device) => new()
    {
        ["Generator__PackageDirectory"] = package,
        ["Generator__Device"] = device,
        ["Kestrel__Endpoints__Grpc__Url"] = "http://127.0.0.1:0",
        // The address is told at this level.
        ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information",
    };

    /// <summary>Returns once the service has told its address and is ready.</summary>
    private static async Task<GrpcChannel> ConnectAsync(BlockingCollection<string> lines)
    {
        const string told = "Now listening on: ";
        var line = lines.GetConsumingEnumerable().FirstOrDefault(line => line.Contains(told, StringComparison.Ordinal));
        Assert.NotNull(line);
        var channel = GrpcClientDefaults.CreateChannel(new Uri(line[(line.IndexOf(told, StringComparison.Ordinal) + told.Length)..]));
        var health = new Health.HealthClient(channel);
        while ((await health.CheckAsync(new HealthCheckRequest())).Status != HealthCheckResponse.Types.ServingStatus.Serving)
            await Task.Delay(20);
        return channel;
    }

    private static async Task<uint[]> GenerateAsync(Generation.GenerationClient client, IEnumerable<uint> prompt)
    {
        var request = new GenerateRequest { Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 32 } };
        request.PromptIds.Add(prompt);
        using var call = client.Generate(request);
        var ids = new List<uint>();
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            Assert.Null(reply.Failed);
            ids.AddRange(reply.Tokens?.Ids ?? []);
        }

        return [.. ids];
    }
}
