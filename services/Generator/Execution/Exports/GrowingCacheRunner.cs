using Microsoft.ML.OnnxRuntime;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Exports;

/// <summary>
/// Runs exports that give old and new keys back together: such a graph knows one length for all rows, so a step is a run for each of its
/// sequences. A KV block is a slot that holds a whole one.
/// </summary>
/// <remarks>One thread at a time, but for <see cref="Terminate"/>. All memory of the caches is taken at start.</remarks>
internal sealed class GrowingCacheRunner : IModelRunner
{
    private readonly InferenceSession _session;
    private readonly RunnerOptions _options;
    private readonly TerminableRuns _runs = new();
    private readonly GrowingCaches _caches;
    private readonly ExportedStep _step;
    private readonly StepLogits _logits;

    /// <param name="session">The model; disposed with the runner.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="graph">How a step is given to it.</param>
    /// <param name="options">Sizes: a block is a slot, as long as the context.</param>
    public GrowingCacheRunner(InferenceSession session, ModelShape shape, ExportedGraph graph, RunnerOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BlockTokens, options.ContextTokensMax, nameof(options));
        (_session, _options, Shape) = (session, options, shape);
        Device = $"CPU ({SessionFactory.ThreadCount(options.Threads)} threads, ONNX Runtime, growing {graph.CacheType} caches in "
            + $"{options.BlockCount} slots; one sequence at a time, prefixes are shared among running sequences alone)";
        _caches = new GrowingCaches(shape, graph, options.BlockCount, options.BlockTokens);
        _step = new ExportedStep(
            session, graph, shape.VocabularySize, options.StepTokensMax, options.LogitRowsMax + 1, options.BlockTokens);
        _logits = new StepLogits(options.LogitRowsMax, shape.VocabularySize);
    }

    public ModelShape Shape { get; }

    public int BlockTokens => _options.BlockTokens;

    public int BlockCount => _options.BlockCount;

    public string Device { get; }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">A sequence is longer than its slot, or begins behind what that holds.</exception>
    /// <exception cref="OnnxRuntimeException">A node failed or the run was terminated.</exception>
    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        _runs.ThrowIfEnded(this);
        ArgumentOutOfRangeException.ThrowIfZero(batch.TokenCount);
        ArgumentOutOfRangeException.ThrowIfZero(batch.SequenceCount);
        for (int sequence = 0, row = 0; sequence < batch.SequenceCount; sequence++)
            row += Run(batch, sequence, row);
        return _logits.Rows(batch.LogitRowCount);
    }

    /// <inheritdoc />
    public void CopyBlock(int source, int destination)
    {
        _runs.ThrowIfEnded(this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)source, (uint)BlockCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)destination, (uint)BlockCount);
        _caches.Copy(source, destination);
    }

    public void Terminate() => _runs.Terminate();

    /// <summary>Frees everything; a step must not be running.</summary>
    public void Dispose()
    {
        if (!_runs.TryEnd())
            return;
        _step.Dispose();
        _caches.Dispose();
        _logits.Dispose();
        _runs.Dispose();
        _session.Dispose();
    }

    /// <returns>Rows of logits that the sequence wanted.</returns>
    private int Run(StepBatch batch, int sequence, int firstRow)
    {
        var (start, end) = (batch.CumulativeLengths[sequence], batch.CumulativeLengths[sequence + 1]);
        var (past, slot) = (batch.PastLengths[sequence], batch.BlockTable[sequence * batch.BlockTableWidth]);
        var (tokens, length) = (end - start, past + end - start);
        if (length > _options.ContextTokensMax)
        {
            throw new ArgumentException(
                $"Sequence {sequence} has {length} tokens; with growing caches it is no longer than Generator:ContextTokensMax, "
                + $"{_options.ContextTokensMax}.");
        }

        var count = 0;
        while (firstRow + count < batch.LogitRowCount && batch.LogitRows[firstRow + count] < end)
            count++;
        batch.InputIds.AsSpan(start, tokens).CopyTo(_step.Ids(tokens));
        var rows = _step.Rows(Math.Max(count, 1));
        rows[0] = tokens - 1;
        for (var i = 0; i < count; i++)
            rows[i] = batch.LogitRows[firstRow + i] - start;
        _step.Shape(tokens, [length - 1], length, rows.Length);
        _caches.Bind(_step.Binding, slot, past, tokens);
        _session.RunWithBinding(_runs.Options, _step.Binding);
        _caches.Commit(slot, length);
        for (var i = 0; i < count; i++)
            _step.CopyLogits(i, _logits.Row(firstRow + i));
        return count;
    }
}
