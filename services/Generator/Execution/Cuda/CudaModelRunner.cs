using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Sampling;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Runs packages for CUDA: one copy of the step's inputs to the device, one run, one copy of the candidates back, and of whole rows of
/// logits where they are wanted; all in one stream that is waited for once.
/// </summary>
/// <remarks>One thread at a time, the one that made it, but for <see cref="Terminate"/>. All memory is taken at start.</remarks>
internal sealed class CudaModelRunner : ICandidateRunner
{
    private readonly Lock _lifetime = new();
    private readonly InferenceSession _session;
    private readonly IDeviceMemory _memory;
    private readonly GraphTarget _target;
    private readonly RunnerOptions _options;
    private readonly GraphBuckets _buckets;
    private readonly IReadOnlyList<TensorBinding> _caches;
    private readonly DeviceBuffer _cache;
    private readonly DeviceBuffer _upload;
    private readonly DeviceBuffer _staging;
    private readonly DeviceBuffer _metadata;
    private readonly DeviceBuffer _deviceLogits;
    private readonly DeviceBuffer _hostLogits;
    private readonly DeviceBuffer _download;
    private readonly DeviceBuffer _candidates;
    private readonly BoundStep _eager;
    private readonly Dictionary<int, BoundStep> _captured = [];
    private readonly PinnedLogits _logitsMemory;
    private readonly bool[] _fetched;
    private BoundStep _last;
    private bool _terminated;
    private bool _disposed;

    /// <param name="session">The model; disposed with the runner, as is the memory.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="target">What the graph was written for.</param>
    /// <param name="memory">The device.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="graphSequencesMax">Largest decode step to capture; 0 captures none.</param>
    public CudaModelRunner(
        InferenceSession session, ModelShape shape, GraphTarget target, IDeviceMemory memory, RunnerOptions options, int graphSequencesMax)
    {
        (_session, _memory, _target, _options, Shape) = (session, memory, target, options, shape);
        _buckets = new GraphBuckets(Math.Min(graphSequencesMax, options.SequencesMax), options.BlocksPerSequenceMax);
        _caches = BindingPlan.Caches(shape, target, options.BlockCount + 1, options.BlockTokens);
        var largest = BindingPlan.Create(shape, target, LargestStep(options));
        var logitBytes = checked((long)options.LogitRowsMax * shape.VocabularySize * sizeof(float));
        _cache = new DeviceBuffer(memory, _caches[^1].Offset + _caches[^1].Bytes);
        _upload = new DeviceBuffer(memory, largest.UploadBytes);
        _staging = new DeviceBuffer(memory, largest.UploadBytes, pinned: true);
        _metadata = new DeviceBuffer(memory, BindingPlan.MetadataCount * sizeof(int), pinned: true);
        _deviceLogits = new DeviceBuffer(memory, logitBytes);
        _hostLogits = new DeviceBuffer(memory, logitBytes, pinned: true);
        _download = new DeviceBuffer(memory, largest.DownloadBytes);
        _candidates = new DeviceBuffer(memory, largest.DownloadBytes, pinned: true);
        _logitsMemory = new PinnedLogits(_hostLogits);
        _fetched = new bool[options.LogitRowsMax];
        // What a masked position holds is multiplied by zero, and zero times what was there before must be zero, too.
        memory.Clear(_cache.Address, _cache.Bytes);
        memory.Synchronize();
        _eager = new BoundStep(session, _caches, View, GraphBuckets.Eager, memory.OrdersSteps);
        _last = _eager;
    }

    public ModelShape Shape { get; }

    public int BlockTokens => _options.BlockTokens;

    public int BlockCount => _options.BlockCount;

    public string Device => $"{_memory.Name}, {_target.Activations}";

    public int CandidateCount => BindingPlan.CandidatesOf(Shape, _target);

    /// <summary>Graphs that were captured so far.</summary>
    public int CapturedGraphs => _captured.Count;

    private int FillBlock => _options.BlockCount;

    /// <summary>Bytes of the device beside cache, weights and what a step's operators take.</summary>
    public static long BufferBytes(ModelShape shape, GraphTarget target, RunnerOptions options)
    {
        var largest = BindingPlan.Create(shape, target, LargestStep(options));
        return largest.UploadBytes + largest.DownloadBytes + ((long)options.LogitRowsMax * shape.VocabularySize * sizeof(float));
    }

    /// <inheritdoc />
    /// <exception cref="OnnxRuntimeException">A node failed or the run was terminated.</exception>
    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfZero(batch.TokenCount);
        ArgumentOutOfRangeException.ThrowIfZero(batch.SequenceCount);
        var bucket = _buckets.Find(batch.TokenCount, batch.SequenceCount, batch.LogitRowCount, batch.BlockTableWidth);
        var step = bucket is null ? BindEager(batch) : Captured(bucket);
        StepPacker.Pack(batch, step.Plan, step.Size, FillBlock, _staging);
        StepPacker.PackMetadata(
            batch, bucket is not null, step.Size.TableWidth, BlockTokens, _metadata.Span<int>(0, BindingPlan.MetadataCount));

        _memory.Upload(_upload.Address, _staging.Address, step.Plan.UploadBytes);
        if (!_memory.OrdersSteps)
            _memory.Synchronize();
        step.Run(_session);
        _memory.Download(_candidates.Address, _download.Address, step.Plan.DownloadBytes);
        Array.Clear(_fetched);
        FetchWanted(batch);
        _memory.Synchronize();
        _last = step;
        return _logitsMemory.Memory[..(batch.LogitRowCount * Shape.VocabularySize)];
    }

    public bool TryGetCandidates(int row, out ReadOnlySpan<float> logits, out ReadOnlySpan<long> ids) =>
        FetchedCandidates.TryRead(_candidates, _last.Plan, _last.Size.LogitRows, row, CandidateCount, out logits, out ids);

    public ReadOnlySpan<float> LogitsOf(int row)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_fetched[row])
        {
            FetchRows(row, 1);
            _memory.Synchronize();
        }

        return _hostLogits.Span<float>((long)row * Shape.VocabularySize * sizeof(float), Shape.VocabularySize);
    }

    public void CopyBlock(int source, int destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)source, (uint)BlockCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)destination, (uint)BlockCount);
        foreach (var cache in _caches)
        {
            // Queued ahead of the next step, which is in the same stream; nobody has to wait.
            var bytes = cache.Bytes / (BlockCount + 1);
            var start = _cache.Address + (nint)cache.Offset;
            _memory.Copy(start + (nint)(destination * bytes), start + (nint)(source * bytes), bytes);
        }
    }

    public void Terminate()
    {
        lock (_lifetime)
        {
            if (_disposed)
                return;
            _terminated = true;
            foreach (var step in _captured.Values.Append(_eager))
                step.Options.Terminate = true;
        }
    }

    /// <summary>Frees everything; a step must not be running.</summary>
    public void Dispose()
    {
        lock (_lifetime)
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (var step in _captured.Values.Append(_eager))
                step.Dispose();
            _session.Dispose();
            foreach (var buffer in new[] { _cache, _upload, _staging, _metadata, _deviceLogits, _hostLogits, _download, _candidates })
                buffer.Dispose();
            _memory.Dispose();
        }
    }

    private static StepSize LargestStep(RunnerOptions options) =>
        new(options.StepTokensMax, options.SequencesMax, options.LogitRowsMax, options.BlocksPerSequenceMax);

    private BoundStep BindEager(StepBatch batch)
    {
        // Operators over no rows are best avoided: a step of chunks that are not the last gets one, which nobody reads.
        var size = new StepSize(batch.TokenCount, batch.SequenceCount, Math.Max(batch.LogitRowCount, 1), batch.BlockTableWidth);
        if (_eager.Plan is null || _eager.Size != size)
            _eager.Bind(BindingPlan.Create(Shape, _target, size), size);
        return _eager;
    }

    private BoundStep Captured(GraphBucket bucket)
    {
        if (_captured.TryGetValue(bucket.Id, out var step))
            return step;
        var size = new StepSize(bucket.Sequences, bucket.Sequences, bucket.Sequences, bucket.TableWidth);
        step = new BoundStep(_session, _caches, View, bucket.Id, _memory.OrdersSteps);
        step.Bind(BindingPlan.Create(Shape, _target, size), size);
        lock (_lifetime)
        {
            step.Options.Terminate = _terminated;
            _captured.Add(bucket.Id, step);
        }

        return step;
    }

    private OrtValue View(TensorBinding tensor)
    {
        var buffer = tensor.Place switch
        {
            TensorPlace.Upload => _upload,
            TensorPlace.Host => _metadata,
            TensorPlace.Cache => _cache,
            TensorPlace.Download => _download,
            _ => _deviceLogits,
        };
        return buffer.View(tensor.Type, tensor.Offset, tensor.Bytes, [.. tensor.Shape]);
    }

    /// <summary>Queues the copies of all rows that candidates cannot serve, neighbours together.</summary>
    private void FetchWanted(StepBatch batch)
    {
        for (var row = 0; row < batch.LogitRowCount; row++)
        {
            var first = row;
            while (row < batch.LogitRowCount && !CandidateSampling.Suffices(batch.LogitBest[row], CandidateCount))
                row++;
            if (row > first)
                FetchRows(first, row - first);
        }
    }

    private void FetchRows(int first, int count)
    {
        var rowBytes = (long)Shape.VocabularySize * sizeof(float);
        var offset = (nint)(first * rowBytes);
        _memory.Download(_hostLogits.Address + offset, _deviceLogits.Address + offset, count * rowBytes);
        Array.Fill(_fetched, true, first, count);
    }
}
