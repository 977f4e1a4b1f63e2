using Microsoft.Extensions.Options;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Execution.Exports;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Runtime;
using Parley.Generator.Guidance;
using Parley.Generator.KvCache;
using Parley.Generator.Machine;
using Parley.Generator.Model;
using Parley.PackageFormat;

namespace Parley.Generator;

/// <summary>Opens the package that the options name.</summary>
internal sealed class PackageOpener(IOptions<GeneratorOptions> options, ILoggerFactory loggers, ProcessLimits? limits = null)
{
    /// <summary>Reads manifest and generation defaults; the weights are read by <see cref="ServedModel.CreateRunner"/>.</summary>
    /// <exception cref="InvalidDataException">Something of the package is missing or broken; the message names file and field.</exception>
    public ServedModel Open()
    {
        OnnxRuntimeEnvironment.RouteLogs(loggers.CreateLogger("Parley.Generator.OnnxRuntime"));
        var package = ModelPackage.Open(options.Value.PackageDirectory);
        if (package.Defaults.Unhonoured is { Count: > 0 } keys)
        {
            Log.DefaultsNotHonoured(
                loggers.CreateLogger<PackageOpener>(), GenerationConfigFile.PathOf(package.Folder), string.Join(", ", keys));
        }

        if (options.Value.DraftsByHead && package.Shape.Drafter is null)
        {
            throw new InvalidDataException(
                $"{Path.Combine(package.Folder, ModelManifest.FileName)}: shape.drafter is missing, and Generator:Drafts is head: the "
                + "package has no head for further tokens. Import the model again with this build, from a checkpoint that has one (mtp.*, "
                + "or num_nextn_predict_layers), or leave Generator:Drafts out.");
        }

        var shape = options.Value.Served(package.Shape);
        var cuda = CudaServing.Prepare(package, options.Value, loggers.CreateLogger("Parley.Generator.Cuda"));
        var export = package.Manifest.Export;
        if (export is not null)
            ExportedContract.Check(package.Manifest, export, Path.Combine(package.Folder, ModelManifest.FileName));
        // Said before the port opens, as of packages of ours.
        KvCacheSize? slots = export is null ? null
            : SlotMemoryPlan.Compute(options.Value, shape, export, package.WeightBytes, limits ?? ProcessLimits.Current);
        return new ServedModel
        {
            Name = package.Manifest.Name,
            Directory = package.Folder,
            Architecture = package.Manifest.Architecture,
            Precision = package.Manifest.Precision,
            Shape = shape,
            Defaults = package.Defaults,
            WithoutVision = package.WithoutVision,
            TokenizerSha256 = package.TokenizerSha256,
            PackageSha256 = package.PackageSha256,
            Parameters = package.Manifest.Parameters,
            WeightBytes = package.WeightBytes,
            Importer = package.Manifest.Importer,
            Manifest = package.Manifest,
            Runtime = RuntimeReport.Describe(options.Value),
            KvBytesPerToken = export is not null ? SlotMemoryPlan.BytesPerToken(shape, export)
                : cuda?.BytesPerToken ?? KvCacheFormat.TokenBytes(options.Value.KvCachePrecision, shape),
            ReadTokens = () => GuideTokens.Read(package.Folder, package.Shape.VocabularySize, package.Defaults.EosTokenIds),
            PlanCache = slots is { } planned ? () => planned : cuda is null ? null : cuda.PlanCache,
            CreateRunner = cuda is null ? size => CreateRunner(package, size) : cuda.CreateRunner,
        };
    }

    private IModelRunner CreateRunner(ModelPackage package, KvCacheSize size)
    {
        var sizes = SizesOf(options.Value, size);
        return CreateRunner(package, package.Manifest.Export is null ? sizes : sizes with { BlockTokens = size.ContextTokensMax });
    }

    /// <summary>Loads a package for the CPU, ours or an export.</summary>
    /// <exception cref="InvalidDataException">The graph cannot be loaded or does not fit the manifest.</exception>
    public static IModelRunner CreateRunner(ModelPackage package, RunnerOptions sizes) => package.Manifest.Export is null
        ? OnnxModelRunner.Create(package.ModelPath, package.Manifest, sizes)
        : ExportedServing.CreateRunner(package, sizes);

    /// <summary>The sizes of a runner that serves with these settings.</summary>
    public static RunnerOptions SizesOf(GeneratorOptions options, KvCacheSize size) => new()
    {
        BlockTokens = options.KvBlockTokens,
        CachePrecision = options.KvCachePrecision,
        BlockCount = size.BlockCount,
        StateSlots = size.StateSlots,
        StepTokensMax = options.StepTokensMax,
        SequencesMax = options.RunningSequencesMax,
        LogitRowsMax = options.ToLimits(size.ContextTokensMax).LogitRowsMax,
        ContextTokensMax = size.ContextTokensMax,
        Drafts = options.DraftsByHead,
        Threads = options.Threads,
        SpinMicroseconds = options.SpinMicroseconds,
    };
}
