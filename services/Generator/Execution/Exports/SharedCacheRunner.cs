using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution.Slots;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>
/// Runs exports whose GroupQueryAttention writes into the buffers that it reads. A KV block is a slot that holds a whole sequence; a step
/// is a run over all decode rows, and one for each chunk of a prompt.
/// </summary>
/// <remarks>One thread at a time, but for <see cref="Terminate"/>. All memory of the caches is taken at start.</remarks>
internal sealed class SharedCacheRunner : IModelRunner
{
    private readonly InferenceSession _session;
    private readonly RunnerOptions _options;
    private readonly TerminableRuns _runs = new();
    private readonly SlotCaches _caches;
    private readonly SlotStep _step;
    private readonly BoundSlots _singles;
    private readonly BoundSlots _chunks;
    private readonly StepLogits _logits;
    private readonly int[] _last;

    /// <param name="session">The model; disposed with the runner.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="graph">How a step is given to it.</param>
    /// <param name="options">Sizes: a block is a slot, as long as the context.</param>
    public SharedCacheRunner(InferenceSession session, ModelShape shape, ExportedGraph graph, RunnerOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BlockTokens, options.ContextTokensMax, nameof(options));
        (_session, _options, Shape) = (session, options, shape);
        Device = $"CPU ({SessionFactory.ThreadCount(options.Threads)} threads, ONNX Runtime, GroupQueryAttention over {options.BlockCount} "
            + $"slots, {graph.CacheType} cache; a row's last bits may depend on its company, prefixes are shared among running sequences "
            + "alone)";
        _caches = new SlotCaches(shape, graph, options.BlockCount, options.BlockTokens);
        _step = new SlotStep(options.BlockCount, options.ContextTokensMax, options.SequencesMax, options.LogitRowsMax);
        _last = new int[options.BlockCount];
        // A run has a row of logits that nobody reads where none is wanted.
        var rows = options.LogitRowsMax + 1;
        _singles = new BoundSlots(
            new ExportedStep(
                session, graph, shape.VocabularySize, options.BlockCount, rows, (long)options.BlockCount * options.BlockTokens),
            _caches);
        _chunks = new BoundSlots(
            new ExportedStep(session, graph, shape.VocabularySize, options.StepTokensMax, rows, options.BlockTokens), _caches);
        _logits = new StepLogits(options.LogitRowsMax, shape.VocabularySize);
    }

    public ModelShape Shape { get; }

    public int BlockTokens => _options.BlockTokens;

    public int BlockCount => _options.BlockCount;

    public string Device { get; }

    /// <summary>Runs that the last step took.</summary>
    public int LastRuns => _step.Runs.Count;

    /// <inheritdoc />
    /// <exception cref="ArgumentException">A sequence is not in a slot of its own, or is longer than a slot.</exception>
    /// <exception cref="OnnxRuntimeException">A node failed or the run was terminated.</exception>
    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        _runs.ThrowIfEnded(this);
        // A run over no sequences would end the process: the operator divides by their number.
        ArgumentOutOfRangeException.ThrowIfZero(batch.TokenCount);
        ArgumentOutOfRangeException.ThrowIfZero(batch.SequenceCount);
        _step.Plan(batch);
        for (var i = 0; i < _step.Runs.Count; i++)
        {
            var run = _step.Runs[i];
            var bound = run.TokensEach == 1 ? _singles : _chunks;
            var step = bound.Step;
            var last = _last.AsSpan(0, run.Slots);
            var positions = _step.Pack(run, step.Ids(run.Tokens), step.Rows(run.BoundLogitRows), last);
            step.Shape(run.TokensEach, last, positions, run.BoundLogitRows);
            bound.Bind(run.FirstSlot, run.Slots);
            _session.RunWithBinding(_runs.Options, step.Binding);
            for (var row = 0; row < batch.LogitRowCount; row++)
            {
                if (_step.PlaceOf(row) is var place && place.Run == i)
                    step.CopyLogits(place.Row, _logits.Row(row));
            }
        }

        _step.Commit();
        return _logits.Rows(batch.LogitRowCount);
    }

    /// <inheritdoc />
    public void CopyBlock(int source, int destination)
    {
        _runs.ThrowIfEnded(this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)source, (uint)BlockCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)destination, (uint)BlockCount);
        _caches.Copy(source, destination, _step.WrittenOf(source));
        _step.Copied(source, destination);
    }

    public void Terminate() => _runs.Terminate();

    /// <summary>Frees everything; a step must not be running.</summary>
    public void Dispose()
    {
        if (!_runs.TryEnd())
            return;
        _singles.Dispose();
        _chunks.Dispose();
        _logits.Dispose();
        _caches.Dispose();
        _runs.Dispose();
        _session.Dispose();
    }
}
