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
    private readonly RunnerBuffers _buffers;
    private readonly BoundStep _eager;
    private readonly Dictionary<int, BoundStep> _captured = [];
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
        _buffers = new RunnerBuffers(
            memory, _caches, LargestBytes(shape, target, options), options.LogitRowsMax, shape.VocabularySize);
        _eager = new BoundStep(session, _caches, _buffers.View, GraphBuckets.Eager, memory.OrdersSteps);
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
        var largest = LargestBytes(shape, target, options);
        return largest.Upload + largest.Download + largest.Logits;
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
        StepPacker.Pack(batch, step.Plan, step.Size, FillBlock, _buffers.Staging);
        StepPacker.PackMetadata(
            batch, bucket is not null, step.Size.TableWidth, BlockTokens,
            _buffers.Host.Span<int>(0, BindingPlan.MetadataCount));

        _buffers.Upload(step.Plan.UploadBytes);
        if (!_memory.OrdersSteps)
            _memory.Synchronize();
        step.Run(_session);
        _buffers.Download(step.Plan.DownloadBytes);
        FetchWanted(batch);
        _memory.Synchronize();
        _last = step;
        return _buffers.Logits(batch.LogitRowCount);
    }

    public bool TryGetCandidates(int row, out ReadOnlySpan<float> logits, out ReadOnlySpan<long> ids) =>
        FetchedCandidates.TryRead(_buffers.Candidates, _last.Plan, _last.Size.LogitRows, row, CandidateCount, out logits, out ids);

    public ReadOnlySpan<float> LogitsOf(int row)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_buffers.IsFetched(row))
        {
            FetchRows(row, 1);
            _memory.Synchronize();
        }

        return _buffers.Row(row);
    }

    public void CopyBlock(int source, int destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)source, (uint)BlockCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)destination, (uint)BlockCount);
        _buffers.CopyBlock(source, destination, BlockCount + 1);
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
            _buffers.Dispose();
            _memory.Dispose();
        }
    }

    private static StepSize LargestStep(RunnerOptions options) =>
        new(options.StepTokensMax, options.SequencesMax, options.LogitRowsMax, options.BlocksPerSequenceMax);

    private static RegionOffsets LargestBytes(ModelShape shape, GraphTarget target, RunnerOptions options)
    {
        var largest = BindingPlan.Create(shape, target, LargestStep(options));
        return new RegionOffsets(
            largest.UploadBytes, BindingPlan.MetadataCount * sizeof(int), largest.DownloadBytes,
            (long)options.LogitRowsMax * shape.VocabularySize * sizeof(float));
    }

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
        step = new BoundStep(_session, _caches, _buffers.View, bucket.Id, _memory.OrdersSteps);
        step.Bind(BindingPlan.Create(Shape, _target, size), size);
        lock (_lifetime)
        {
            step.Options.Terminate = _terminated;
            _captured.Add(bucket.Id, step);
        }

        return step;
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

    private void FetchRows(int first, int count) => _buffers.Fetch((long)first * Shape.VocabularySize * sizeof(float), first, count);
}
