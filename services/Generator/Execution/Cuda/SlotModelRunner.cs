using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Slots;
using Parley.Generator.Sampling;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Runs packages with GroupQueryAttention. A KV block is a slot that holds a whole sequence, and a step is several runs: one copy of the
/// inputs of all of them to the device, the runs, one copy of their candidates back, in one stream that is waited for once.
/// </summary>
/// <remarks>One thread at a time, the one that made it, but for <see cref="Terminate"/>. All memory is taken at start. Steps are not
/// captured as graphs: the operator reads the longest length from the host.</remarks>
internal sealed class SlotModelRunner : ICandidateRunner
{
    private readonly Lock _lifetime = new();
    private readonly InferenceSession _session;
    private readonly IDeviceMemory _memory;
    private readonly GraphTarget _target;
    private readonly RunnerOptions _options;
    private readonly SlotStep _step;
    private readonly RunnerBuffers _buffers;
    private readonly BoundStep _singles;
    private readonly BoundStep _chunks;
    private readonly List<(SlotRun Run, BindingPlan Plan)> _plans = [];
    private readonly int _qkvWidth;
    private bool _disposed;

    /// <param name="session">The model; disposed with the runner, as is the memory.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="target">What the graph was written for.</param>
    /// <param name="memory">The device.</param>
    /// <param name="options">Sizes: a block is a slot, as long as the context, and there is one for each sequence.</param>
    /// <exception cref="ArgumentException">A slot is shorter than the context, or there are fewer than sequences.</exception>
    public SlotModelRunner(InferenceSession session, ModelShape shape, GraphTarget target, IDeviceMemory memory, RunnerOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BlockTokens, options.ContextTokensMax, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BlockCount, options.SequencesMax, nameof(options));
        (_session, _memory, _target, _options, Shape) = (session, memory, target, options, shape);
        _qkvWidth = (shape.QueryHeads + (2 * shape.KeyValueHeads)) * shape.HeadSize;
        _step = new SlotStep(options.BlockCount, options.ContextTokensMax, options.SequencesMax, options.LogitRowsMax);
        _buffers = new RunnerBuffers(
            memory, [.. BindingPlan.SlotCaches(shape, target, options.BlockCount, options.BlockTokens)],
            LargestStep(shape, target, options), options.LogitRowsMax, shape.VocabularySize);
        _singles = new BoundStep(session, [], _buffers.View, GraphBuckets.Eager, memory.OrdersSteps);
        _chunks = new BoundStep(session, [], _buffers.View, GraphBuckets.Eager, memory.OrdersSteps);
    }

    public ModelShape Shape { get; }

    public int BlockTokens => _options.BlockTokens;

    public int BlockCount => _options.BlockCount;

    public string Device => $"{_memory.Name}, {_target.Activations}, slots";

    public int CandidateCount => BindingPlan.CandidatesOf(Shape, _target);

    /// <summary>Runs that the last step took.</summary>
    public int LastRuns => _step.Runs.Count;

    /// <summary>Bytes of the device beside cache, weights and what a step's operators take.</summary>
    public static long BufferBytes(ModelShape shape, GraphTarget target, RunnerOptions options)
    {
        var largest = LargestStep(shape, target, options);
        return largest.Upload + largest.Download + largest.Logits;
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">A sequence is not in a slot of its own, or is longer than a slot.</exception>
    /// <exception cref="OnnxRuntimeException">A node failed or the run was terminated.</exception>
    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        // A run over no sequences would end the process: the operator divides by their number.
        ArgumentOutOfRangeException.ThrowIfZero(batch.TokenCount);
        ArgumentOutOfRangeException.ThrowIfZero(batch.SequenceCount);
        _step.Plan(batch);
        var end = PlanRuns();
        for (var i = 0; i < _step.Runs.Count; i++)
            Pack(_step.Runs[i], _plans[i].Plan);

        _buffers.Upload(end.Upload);
        for (var i = 0; i < _step.Runs.Count; i++)
        {
            // A provider without our stream is done when its run returns, and wants the same of what comes before.
            if (!_memory.OrdersSteps)
                _memory.Synchronize();
            RunBound(_step.Runs[i], _plans[i].Plan);
        }

        _buffers.Download(end.Download);
        for (var row = 0; row < batch.LogitRowCount; row++)
        {
            if (!CandidateSampling.Suffices(batch.LogitBest[row], CandidateCount))
                Fetch(row);
        }

        _memory.Synchronize();
        _step.Commit();
        return _buffers.Logits(batch.LogitRowCount);
    }

    public bool TryGetCandidates(int row, out ReadOnlySpan<float> logits, out ReadOnlySpan<long> ids)
    {
        var (run, index) = _step.PlaceOf(row);
        return FetchedCandidates.TryRead(
            _buffers.Candidates, _plans[run].Plan, _plans[run].Run.BoundLogitRows, index, CandidateCount, out logits, out ids);
    }

    public ReadOnlySpan<float> LogitsOf(int row)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_buffers.IsFetched(row))
        {
            Fetch(row);
            _memory.Synchronize();
        }

        return _buffers.Row(row);
    }

    /// <inheritdoc />
    public void CopyBlock(int source, int destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)source, (uint)BlockCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)destination, (uint)BlockCount);
        _buffers.CopyBlock(source, destination, BlockCount);
        _step.Copied(source, destination);
    }

    public void Terminate()
    {
        lock (_lifetime)
        {
            if (_disposed)
                return;
            _singles.Options.Terminate = true;
            _chunks.Options.Terminate = true;
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
            _singles.Dispose();
            _chunks.Dispose();
            _session.Dispose();
            _buffers.Dispose();
            _memory.Dispose();
        }
    }

    /// <summary>
    /// Bytes of each place that suffice for every step: as many runs as sequences, twice as many decode rows, a row of logits that nobody
    /// reads for each, and what alignment takes.
    /// </summary>
    private static RegionOffsets LargestStep(ModelShape shape, GraphTarget target, RunnerOptions options)
    {
        var sequences = options.SequencesMax;
        var one = BindingPlan.CreateRun(shape, target, new SlotRun(0, 1, 1, 1), (1, 1), default).End;
        var all = new SlotRun(0, 2 * sequences, 1, options.LogitRowsMax + sequences);
        var wide = BindingPlan.CreateRun(shape, target, all, (1, 1), default).End;
        return new RegionOffsets(
            wide.Upload + (sequences * one.Upload) + (options.StepTokensMax * sizeof(long)),
            wide.Host + (sequences * one.Host),
            wide.Download + (sequences * one.Download),
            BindingPlan.CreateRun(shape, target, all with { LogitRows = options.LogitRowsMax + 1 }, (1, 1), default).LogitBytes
                + (sequences * BindingPlan.AlignmentBytes));
    }

    /// <summary>Lays the runs out one behind the other; those that lie as in the last step keep their plan.</summary>
    /// <returns>Where the last one ends.</returns>
    private RegionOffsets PlanRuns()
    {
        var start = default(RegionOffsets);
        for (var i = 0; i < _step.Runs.Count; i++)
        {
            var run = _step.Runs[i];
            if (i == _plans.Count)
                _plans.Add(default);
            if (_plans[i].Plan is null || _plans[i].Run != run || _plans[i].Plan.Start != start)
                _plans[i] = (run, BindingPlan.CreateRun(Shape, _target, run, (BlockCount, BlockTokens), start));
            var end = _plans[i].Plan.End;
            // Logits that nobody wants give way to those of the next run.
            start = run.LogitRows > 0 ? end : end with { Logits = start.Logits };
        }

        return start;
    }

    /// <summary>Writes a run's inputs where its plan has them.</summary>
    private void Pack(SlotRun run, BindingPlan plan)
    {
        var (staging, host) = (_buffers.Staging, _buffers.Host);
        var longest = _step.Pack(
            run,
            staging.Span<long>(plan.OffsetOf(GraphContract.InputIds), run.Tokens),
            staging.Span<long>(plan.OffsetOf(GraphContract.LogitRows), run.BoundLogitRows),
            staging.Span<int>(plan.OffsetOf(BindingPlan.SlotPositions), run.Slots));
        ReadOnlySpan<long> shape = [run.Slots, run.TokensEach, _qkvWidth];
        shape.CopyTo(host.Span<long>(plan.OffsetOf(BindingPlan.AttentionShape), BindingPlan.AttentionShapeCount));
        host.Span<int>(plan.OffsetOf(BindingPlan.LongestLength), 1)[0] = longest;
    }

    private void RunBound(SlotRun run, BindingPlan plan)
    {
        var bound = run.TokensEach == 1 ? _singles : _chunks;
        if (bound.Plan != plan)
            bound.Bind(plan, new StepSize(run.Tokens, run.Slots, run.BoundLogitRows, 1));
        bound.Run(_session);
    }

    /// <summary>Queues the copy of a row of logits to the place that the step's order gives it.</summary>
    private void Fetch(int row)
    {
        var (run, index) = _step.PlaceOf(row);
        var place = (long)index * Shape.VocabularySize * sizeof(float);
        _buffers.Fetch(_plans[run].Plan.OffsetOf(GraphContract.Logits) + place, row, 1);
    }
}
