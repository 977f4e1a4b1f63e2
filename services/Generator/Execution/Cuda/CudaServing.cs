using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Runtime;
using Parley.Generator.KvCache;
using Parley.Generator.Model;
using Parley.PackageFormat;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Serves a package that was imported for CUDA: look for what that takes, share the memory out, test the attention, load. A rehearsal
/// package
/// goes the same way on the CPU.
/// </summary>
internal sealed class CudaServing
{
    /// <summary>The oldest card that the attention's kernels run on.</summary>
    private static readonly Version CapabilityMin = new(8, 0);

    private readonly ModelPackage _package;
    private readonly GraphTarget _target;
    private readonly GeneratorOptions _options;
    private readonly ILogger _logger;
    private readonly CudaRuntime? _runtime;
    private IDeviceMemory? _memory;
    private CudaMemoryPlan? _plan;

    private CudaServing(ModelPackage package, GraphTarget target, GeneratorOptions options, ILogger logger, CudaRuntime? runtime)
    {
        (_package, _target, _options, _logger, _runtime) = (package, target, options, logger, runtime);
    }

    public int BytesPerToken => TokenBytes(_package.Shape, _target);

    /// <summary>Checks that package, device and libraries belong together; cheap, and before the port opens.</summary>
    /// <returns>Null where a package for the CPU is to be served on the CPU.</returns>
    /// <exception cref="InvalidDataException">They do not; the message says what to change.</exception>
    public static CudaServing? Prepare(ModelPackage package, GeneratorOptions options, ILogger logger)
    {
        var target = package.Manifest.Target;
        if (options.Device == "cuda" && target?.Device != GraphTarget.Cuda)
        {
            throw new InvalidDataException(
                $"{package.Folder}: the package was imported for the CPU (precision {package.Manifest.Precision}) and Generator:Device is "
                + "cuda; import the model with --precision bf16, fp16 or int4-fp16.");
        }

        if (options.Device != "cuda" && target?.Device == GraphTarget.Cuda)
        {
            throw new InvalidDataException(
                $"{package.Folder}: the package was imported for CUDA (precision {package.Manifest.Precision}) and Generator:Device is "
                + $"{options.Device}; set Generator:Device to cuda, or import the model with a precision for the CPU.");
        }

        if (target is null)
            return null;
        if (target.Attention is not (GraphTarget.Paged or GraphTarget.GroupQuery))
        {
            throw new InvalidDataException(
                $"{package.Folder}: {ModelManifest.FileName}: target.attention {target.Attention} is neither {GraphTarget.Paged} nor "
                + $"{GraphTarget.GroupQuery}.");
        }

        if (target.Device == GraphTarget.Rehearsal)
            return new CudaServing(package, target, options, logger, null);
        var runtime = RequireLibraries(options.Cuda);
        if (options.Cuda.DeviceId >= runtime.DeviceCount)
        {
            throw new InvalidDataException(
                $"Generator:Cuda:DeviceId is {options.Cuda.DeviceId}; CUDA sees {runtime.DeviceCount} devices, counted from 0.");
        }

        return new CudaServing(package, target, options, logger, runtime);
    }

    /// <summary>Opens the device and shares its memory out; on the engine's thread, as all that follows.</summary>
    public KvCacheSize PlanCache()
    {
        _memory = _runtime is null
            ? new RehearsalMemory(
                (_options.KvCacheMegabytes > 0 ? _options.KvCacheMegabytes : HostMemoryPlan.CacheMegabytesDefault) * (1L << 20))
            : new CudaMemory(_runtime, _options.Cuda.DeviceId, ordersSteps: _options.Cuda.PluginLibrary.Length == 0);
        if (_memory is CudaMemory { Capability: var capability } && capability < CapabilityMin)
        {
            throw new InvalidDataException(
                $"{_memory.Name}: compute capability wanted {CapabilityMin} or newer, found {capability}; FlashAttention needs it.");
        }

        RequireCode(_memory);
        var shape = _package.Shape;
        var (free, total) = _memory.Measure();
        var (stepBytes, bufferBytes) = Beside(shape, _target, _options);
        var weightBytes = _runtime is null ? 0 : _package.WeightBytes;
        _plan = Share(free, weightBytes, _runtime is null ? 0 : stepBytes, shape, _target, ForDevice(_options));
        CudaLog.Memory(
            _logger, _memory.Name, total >> 20, free >> 20, weightBytes >> 20, stepBytes >> 20, bufferBytes >> 20,
            _plan.CacheBytes >> 20, _plan.Cache.BlockCount);
        return _plan.Cache;
    }

    /// <summary>Bytes on the device beside weights and KV cache: a step's values, the runner's buffers.</summary>
    internal static (long Step, long Buffers) Beside(ModelShape shape, GraphTarget target, GeneratorOptions options)
    {
        var limits = options.ToLimits(shape.ContextTokensMax);
        var largest = SizesOf(shape, target, options, new KvCacheSize(1, shape.ContextTokensMax));
        return (CudaMemoryPlan.StepBytes(shape, BindingPlan.ElementBytes(target), limits.StepTokensMax, limits.LogitRowsMax),
            HasSlots(target)
                ? SlotModelRunner.BufferBytes(shape, target, largest) : CudaModelRunner.BufferBytes(shape, target, largest));
    }

    /// <summary>Shares a device's free memory out.</summary>
    /// <exception cref="InvalidDataException">It is too small; the message says what takes how much.</exception>
    internal static CudaMemoryPlan Share(
        long freeBytes, long weightBytes, long stepBytes, ModelShape shape, GraphTarget target, GeneratorOptions options)
    {
        var (buffers, perToken) = (Beside(shape, target, options).Buffers, TokenBytes(shape, target));
        return HasSlots(target)
            ? CudaMemoryPlan.ComputeSlots(freeBytes, weightBytes, stepBytes, buffers, perToken, shape, options)
            : CudaMemoryPlan.Compute(freeBytes, weightBytes, stepBytes, buffers, perToken, shape, options);
    }

    /// <summary>Bytes of keys and values of one token over all layers.</summary>
    internal static int TokenBytes(ModelShape shape, GraphTarget target) =>
        shape.CacheElementsPerToken * BindingPlan.ElementBytes(target);

    private static bool HasSlots(GraphTarget target) => target.Attention == GraphTarget.GroupQuery;

    /// <summary>Tests the attention and loads the model.</summary>
    /// <exception cref="InvalidDataException">The device computes something else than the CPU, or the model cannot be loaded.</exception>
    public IModelRunner CreateRunner(KvCacheSize size)
    {
        var (memory, plan) = (_memory!, _plan!);
        using var options = CreateOptions(memory, plan.ArenaBytes);
        if (_options.Cuda.SelfTest)
        {
            var test = new AttentionSelfTest(_package.Shape, _target, CudaMemoryPlan.BlockTokens(_package.Shape.HeadSize));
            var comparison = test.Run(options, memory);
            AttentionSelfTest.Require(comparison, _target, memory.Name);
            CudaLog.SelfTest(_logger, memory.Name, comparison.Relative, AttentionSelfTest.Tolerance(_target));
        }

        var session = _runtime is null
            ? new InferenceSession(_package.ModelPath, options)
            : CudaSessions.Create(_package.ModelPath, options);
        try
        {
            BindingPlan.Verify(session, _package.Shape, _target, _package.ModelPath);
            var sizes = SizesOf(_package.Shape, _target, _options, size);
            ICandidateRunner runner = HasSlots(_target)
                ? new SlotModelRunner(session, _package.Shape, _target, memory, sizes)
                : new CudaModelRunner(session, _package.Shape, _target, memory, sizes, _options.Cuda.GraphSequencesMax);
            RunnerRehearsal.Run(runner, sizes);
            return runner;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a card that the provider's kernels do not run on: each of them would fail, at its first use.</summary>
    private void RequireCode(IDeviceMemory memory)
    {
        if (memory is not CudaMemory { Capability: var capability } || _options.Cuda.PluginLibrary.Length > 0)
            return;
        var code = CardCode.OfProvider(new NativeLibraryProbe(_options.Cuda.Folders));
        if (code is not null && !code.Runs(capability))
            throw new InvalidDataException($"{memory.Name}: {code.Fault(capability)}");
    }

    /// <summary>Loads CUDA's runtime, or says what is missing.</summary>
    internal static CudaRuntime RequireLibraries(CudaOptions options)
    {
        if (!OperatingSystem.IsLinux())
            throw new InvalidDataException("Generator:Device is cuda, which Parley knows on Linux only.");
        OnnxRuntimeEnvironment.EnsureCreated();
        var environment = OrtEnv.Instance();
        var probe = new NativeLibraryProbe(options.Folders);
        var hasCuda = environment.GetAvailableProviders().Contains("CUDAExecutionProvider");
        CudaLibraries.Require(CudaLibraries.Find(
            probe, (environment.GetVersionString(), hasCuda), ManagedVersion, options.PluginLibrary));
        return new CudaRuntime(probe.Handle(CudaRuntime.LibraryName));
    }

    /// <summary>The version of the managed package; that of its native library must be the same.</summary>
    internal static string ManagedVersion => typeof(OrtEnv).Assembly.GetName().Version!.ToString(3);

    /// <summary>Options in which the memory of a rehearsal is the host's.</summary>
    private GeneratorOptions ForDevice(GeneratorOptions options) => _runtime is not null
        ? options
        : new GeneratorOptions
        {
            ContextTokensMax = options.ContextTokensMax,
            RunningSequencesMax = options.RunningSequencesMax,
            Cuda = new CudaOptions { ReserveMegabytes = 0, MemoryFraction = 1 },
        };

    private SessionOptions CreateOptions(IDeviceMemory memory, long arenaBytes) => memory is CudaMemory cuda
        ? CudaSessions.CreateOptions(_options.Cuda, cuda, arenaBytes)
        : SessionFactory.CreateOptions(_options.Threads, _options.SpinMicroseconds);

    private static RunnerOptions SizesOf(ModelShape shape, GraphTarget target, GeneratorOptions options, KvCacheSize size) => new()
    {
        BlockTokens = HasSlots(target) ? size.ContextTokensMax : CudaMemoryPlan.BlockTokens(shape.HeadSize),
        BlockCount = size.BlockCount,
        StepTokensMax = options.StepTokensMax,
        SequencesMax = options.RunningSequencesMax,
        LogitRowsMax = options.ToLimits(size.ContextTokensMax).LogitRowsMax,
        ContextTokensMax = size.ContextTokensMax,
        Threads = options.Threads,
        SpinMicroseconds = options.SpinMicroseconds,
    };
}
