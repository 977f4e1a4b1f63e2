using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>Runs our packages on the CPU: a flattened step over the paged cache that this runner owns.</summary>
/// <remarks>One thread at a time, but for <see cref="Terminate"/>. Everything is allocated at start; a step allocates no tensor
/// memory of its own.</remarks>
internal sealed class OnnxModelRunner : IModelRunner
{
    private readonly InferenceSession _session;
    private readonly RunnerOptions _options;
    private readonly TerminableRuns _runs = new();
    private readonly OrtIoBinding _binding;
    private readonly KvCacheBuffers _cache;
    private readonly StateBuffers? _states;
    private readonly StepInputs _inputs;
    private readonly StepTensor _logits;
    private readonly StepTensor? _stream;
    private readonly LogitsMemory _logitsMemory;
    private OnnxDrafter? _drafter;

    private OnnxModelRunner(
        InferenceSession session, ModelShape shape, RunnerOptions options, int freeTokens, AdaptedLinears adapted)
    {
        Adapted = adapted;
        _session = session;
        _options = options;
        Shape = shape;
        var cache = options.CachePrecision.ToString().ToLowerInvariant();
        var own = shape.Drafter is null ? "" : ", drafts by its own head";
        Device = $"CPU ({SessionFactory.ThreadCount(options.Threads)} threads, {PagedAttentionKernel.BestName}, {cache} cache{own})";
        Numerics = $"{RuntimeInformation.ProcessArchitecture}, {PagedAttentionKernel.BestName} attention, "
            + $"{QuantizedLinearKernel.Best.Name} linears, {cache} cache, ONNX Runtime {OrtEnv.Instance().GetVersionString()}";
        _binding = session.CreateIoBinding();
        _cache = new KvCacheBuffers(shape, options);
        _cache.Bind(_binding, layer => layer < shape.Layers);
        _states = shape.States is null ? null : new StateBuffers(shape.States, options, _binding);
        _inputs = new StepInputs(session, _binding, options, options.LogitRowsMax);
        FreeTokens = freeTokens;
        var logits = checked(options.LogitRowsMax * shape.VocabularySize);
        _logits = new StepTensor(_binding, GraphContract.Logits, TensorElementType.Float, sizeof(float), logits, isOutput: true);
        _logitsMemory = new LogitsMemory(() => _logits.Span<float>(logits));
        if (shape.Drafter is not null)
        {
            _stream = new StepTensor(
                _binding, GraphContract.Stream, TensorElementType.Float, sizeof(float),
                checked((long)options.StepTokensMax * shape.HiddenSize), isOutput: true);
        }
    }

    public ModelShape Shape { get; }

    public int BlockTokens => _options.BlockTokens;

    public int BlockCount => _options.BlockCount;

    public int StateSlots => _states?.Slots ?? 0;

    public string Device { get; }

    public string Numerics { get; }

    public int FreeTokens { get; }

    public bool SkipsBehindWindow => true;

    public AdaptedLinears Adapted { get; }

    public IDrafter? Drafter => _drafter;

    /// <summary>Bytes of all KV blocks.</summary>
    public long CacheBytes => _cache.Bytes;

    /// <summary>Bytes of all slots of states.</summary>
    public long StateBytes => _states?.Bytes ?? 0;

    /// <summary>Loads a package's graph and makes all buffers.</summary>
    /// <param name="modelPath">Path of <c>model.onnx</c>.</param>
    /// <param name="manifest">What the package's manifest says.</param>
    /// <param name="options">Sizes; the context must not exceed the model's.</param>
    /// <exception cref="InvalidDataException">The graph cannot be loaded or does not fit the manifest.</exception>
    /// <exception cref="NotSupportedException">This processor cannot run the package's precision.</exception>
    public static OnnxModelRunner Create(string modelPath, ModelManifest manifest, RunnerOptions options)
    {
        var shape = options.Drafts ? manifest.Shape : manifest.Shape with { Drafter = null };
        Validate(options, shape);
        IntegerProductSelfTest.Require(manifest.Precision, Path.GetDirectoryName(modelPath) ?? modelPath);
        var adapted = new AdaptedLinears(options.StepTokensMax);
        InferenceSession session;
        using (adapted.Receive())
        {
            session = SessionFactory.Create(
                modelPath, options.Threads, options.SpinMicroseconds, shape, options.CachePrecision, options.ProfilePrefix);
        }

        OnnxModelRunner runner;
        try
        {
            GraphContract.Verify(session, shape, options.CachePrecision, modelPath);
            // In w8a8 the head is the only linear that is ours.
            var isOurs = manifest.Precision is "int4" or "int8" && OwnLinears.AreIn(File.ReadAllBytes(modelPath));
            runner = new OnnxModelRunner(session, shape, options, isOurs ? QuantizedLinearKernel.Best.FreeRows : 1, adapted);
        }
        catch
        {
            session.Dispose();
            throw;
        }

        try
        {
            runner.LoadDrafter(Path.GetDirectoryName(modelPath) ?? "");
            return runner;
        }
        catch
        {
            runner.Dispose();
            throw;
        }
    }

    private void LoadDrafter(string folder)
    {
        if (Shape.Drafter is null)
            return;
        var path = Path.Combine(folder, DrafterShape.FileName);
        _drafter = OnnxDrafter.Create(path, Shape, _options, _cache, _stream!, _runs.Options);
    }

    /// <inheritdoc />
    /// <exception cref="OnnxRuntimeException">A node failed or the run was terminated; the cache rows of the step are
    /// undefined.</exception>
    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        _runs.ThrowIfEnded(this);
        // An empty batch would reach operators that divide by the number of rows.
        ArgumentOutOfRangeException.ThrowIfZero(batch.TokenCount);
        ArgumentOutOfRangeException.ThrowIfZero(batch.SequenceCount);

        _states?.Set(batch);
        Adapted.Set(batch.Adapters.AsSpan(0, batch.SequenceCount), batch.CumulativeLengths);
        _logits.Bind(_inputs.Set(batch), Shape.VocabularySize);
        _stream?.Bind(batch.TokenCount, Shape.HiddenSize);

        _session.RunWithBinding(_runs.Options, _binding);
        return _logitsMemory.Memory[..(batch.LogitRowCount * Shape.VocabularySize)];
    }

    /// <summary>Writes what <see cref="RunnerOptions.ProfilePrefix"/> asked for and returns the file's path.</summary>
    public string EndProfiling() => _session.EndProfiling();

    public ulong StateChecksum(int slot)
    {
        _runs.ThrowIfEnded(this);
        return _states?.Checksum(slot) ?? 0;
    }

    public void CopyBlock(int source, int destination)
    {
        _runs.ThrowIfEnded(this);
        _cache.CopyBlock(source, destination);
    }

    public void Terminate() => _runs.Terminate();

    /// <summary>Frees everything; a step must not be running.</summary>
    public void Dispose()
    {
        if (!_runs.TryEnd())
            return;
        _drafter?.Dispose();
        // The binding refers to the values, the values to the buffers, both to the session's allocators.
        _binding.Dispose();
        _inputs.Dispose();
        _logits.Dispose();
        _stream?.Dispose();
        _cache.Dispose();
        _states?.Dispose();
        _runs.Dispose();
        _session.Dispose();
    }

    private static void Validate(RunnerOptions options, ModelShape shape)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BlockTokens, 16, nameof(options.BlockTokens));
        if (!int.IsPow2(options.BlockTokens))
            throw new ArgumentOutOfRangeException(nameof(options), options.BlockTokens, "BlockTokens must be a power of two.");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BlockCount, nameof(options.BlockCount));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.StepTokensMax, nameof(options.StepTokensMax));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.SequencesMax, nameof(options.SequencesMax));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.LogitRowsMax, nameof(options.LogitRowsMax));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.ContextTokensMax, nameof(options.ContextTokensMax));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ContextTokensMax, shape.ContextTokensMax, nameof(options.ContextTokensMax));
    }
}
