using Microsoft.Extensions.Logging.Abstractions;
using Parley.Generator;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Model;
using Parley.ModelImporter;

namespace Parley.Cli.Gpu;

/// <summary>Packages of one checkpoint in any precision, made once, and runners over them.</summary>
internal sealed class GpuPackages(GpuOptions options, int contextTokens)
{
    /// <summary>The attention that every precision has.</summary>
    public const string Paged = "paged";

    private const int HostBlockTokens = 32;

    /// <summary>The precision that stands for a CUDA one where there is no GPU.</summary>
    public string OnDevice(string precision) =>
        !options.Rehearsal ? precision : precision.StartsWith("int4", StringComparison.Ordinal) ? "int4-rehearsal" : "rehearsal";

    /// <summary>The precision in fp32 on the CPU that a CUDA one must agree with: of the same weights.</summary>
    public static string Reference(string precision) =>
        precision.StartsWith("int4", StringComparison.Ordinal) ? "int4-rehearsal" : "fp32";

    /// <summary>The package's folder; imported where it is not there yet.</summary>
    public string Import(string precision, CancellationToken cancellationToken, string attention = Paged)
    {
        var model = Path.GetFileName(Path.TrimEndingDirectorySeparator(options.Source));
        var folder = Path.Combine(options.Work, attention == Paged ? $"{model}-{precision}" : $"{model}-{precision}-{attention}");
        if (!File.Exists(Path.Combine(folder, "parley.json")))
        {
            ModelImport.Run(
                new ImportOptions
                {
                    Source = options.Source,
                    Destination = folder,
                    Precision = precision,
                    Attention = attention,
                    ContextTokensMax = contextTokens,
                },
                progress: null,
                cancellationToken);
        }

        return folder;
    }

    /// <summary>Opens a runner; on the thread that uses it.</summary>
    /// <param name="precision">The package.</param>
    /// <param name="settings">Sizes; device and paths are filled in.</param>
    /// <param name="cancellationToken">Ends the import.</param>
    /// <param name="attention">The attention of a CUDA package.</param>
    public IModelRunner Open(
        string precision, GeneratorOptions settings, CancellationToken cancellationToken, string attention = Paged)
    {
        var package = ModelPackage.Open(Import(precision, cancellationToken, attention));
        settings.Device = package.Manifest.Target?.Device == "cuda" ? "cuda" : "cpu";
        settings.Cuda.DeviceId = options.DeviceId;
        settings.Cuda.LibraryPath = options.LibraryPath;
        if (CudaServing.Prepare(package, settings, NullLogger.Instance) is { } serving)
            return serving.CreateRunner(serving.PlanCache());
        var context = Math.Min(settings.ContextTokensMax, package.Shape.ContextTokensMax);
        return OnnxModelRunner.Create(package.ModelPath, package.Manifest, new RunnerOptions
        {
            BlockTokens = HostBlockTokens,
            BlockCount = settings.RunningSequencesMax * ((context / HostBlockTokens) + 1),
            StepTokensMax = settings.StepTokensMax,
            SequencesMax = settings.RunningSequencesMax,
            LogitRowsMax = settings.ToLimits(context).LogitRowsMax,
            ContextTokensMax = context,
        });
    }

    /// <summary>The device's own speed at copying, bytes read and written, in GB/s: the bound of decoding.</summary>
    public double MeasureBandwidth()
    {
        const int repeats = 8;
        var cuda = new CudaOptions { DeviceId = options.DeviceId, LibraryPath = options.LibraryPath };
        using IDeviceMemory memory = options.Rehearsal
            ? new RehearsalMemory()
            : new CudaMemory(CudaServing.RequireLibraries(cuda), options.DeviceId, ordersSteps: true);
        var bytes = options.Rehearsal ? 64L << 20 : 2L << 30;
        using var source = new DeviceBuffer(memory, bytes);
        using var target = new DeviceBuffer(memory, bytes);
        memory.Clear(source.Address, bytes);
        memory.Copy(target.Address, source.Address, bytes);
        memory.Synchronize();
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < repeats; i++)
            memory.Copy(target.Address, source.Address, bytes);
        memory.Synchronize();
        return 2e-9 * bytes * repeats / System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Settings for a number of sequences of a length.</summary>
    public static GeneratorOptions Settings(int sequences, int stepTokens, int contextTokens, bool graphs) => new()
    {
        PackageDirectory = "unused",
        RunningSequencesMax = sequences,
        StepTokensMax = Math.Max(stepTokens, sequences),
        PrefillChunkTokens = Math.Max(stepTokens, sequences),
        ContextTokensMax = contextTokens,
        KvCacheMegabytes = 1 << 16,
        Cuda = new CudaOptions { GraphSequencesMax = graphs ? 256 : 0 },
    };
}
