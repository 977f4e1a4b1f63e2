using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution;

/// <summary>What every graph of a package reads of a step: ids, where sequences begin and lie, and which rows want logits.</summary>
internal sealed class StepInputs : IDisposable
{
    private readonly StepTensor _inputIds;
    private readonly StepTensor _logitRows;
    private readonly StepTensor? _logitBest;
    private readonly StepTensor _cumulativeLengths;
    private readonly StepTensor _pastLengths;
    private readonly StepTensor _blockTable;
    private readonly StepTensor? _rotaryLengths;

    /// <param name="session">The graph, whose inputs are as <see cref="GraphContract"/> has them.</param>
    /// <param name="binding">Takes them.</param>
    /// <param name="options">The largest step.</param>
    /// <param name="logitRowsMax">Rows of logits of such a step.</param>
    public StepInputs(InferenceSession session, OrtIoBinding binding, RunnerOptions options, int logitRowsMax)
    {
        var sequences = options.SequencesMax;
        _inputIds = Ids(GraphContract.InputIds, options.StepTokensMax);
        _logitRows = Ids(GraphContract.LogitRows, logitRowsMax);
        // A head of ours may be told how many of the best it has to be exact about.
        _logitBest = session.InputMetadata.ContainsKey(GraphContract.LogitBest) ? Lengths(GraphContract.LogitBest, logitRowsMax) : null;
        _cumulativeLengths = Lengths(GraphContract.CumulativeLengths, sequences + 1);
        _pastLengths = Lengths(GraphContract.PastLengths, sequences);
        _rotaryLengths = session.InputMetadata.ContainsKey(GraphContract.RotaryLengths)
            ? Lengths(GraphContract.RotaryLengths, sequences) : null;
        _blockTable = Lengths(GraphContract.BlockTable, (long)sequences * options.BlocksPerSequenceMax);

        StepTensor Ids(string name, long count) => new(binding, name, TensorElementType.Int64, sizeof(long), count);
        StepTensor Lengths(string name, long count) => new(binding, name, TensorElementType.Int32, sizeof(int), count);
    }

    /// <summary>Copies those of a step in and binds them.</summary>
    /// <returns>Rows of logits that the graph will make.</returns>
    public int Set(StepBatch batch)
    {
        var sequences = batch.SequenceCount;
        _inputIds.Set<long>(batch.InputIds.AsSpan(0, batch.TokenCount));
        _cumulativeLengths.Set<int>(batch.CumulativeLengths.AsSpan(0, sequences + 1));
        _pastLengths.Set<int>(batch.PastLengths.AsSpan(0, sequences));
        _rotaryLengths?.Set<int>(batch.RotaryLengths.AsSpan(0, sequences));
        _blockTable.Set<int>(batch.BlockTable.AsSpan(0, sequences * batch.BlockTableWidth), batch.BlockTableWidth);
        // A step of chunks that are not the last wants no logits, and operators over no rows are best avoided: ask for one and drop it.
        if (batch.LogitRowCount == 0)
        {
            _logitRows.Set<long>([0]);
            _logitBest?.Set<int>([1]);
            return 1;
        }

        _logitRows.Set<long>(batch.LogitRows.AsSpan(0, batch.LogitRowCount));
        _logitBest?.Set<int>(batch.LogitBest.AsSpan(0, batch.LogitRowCount));
        return batch.LogitRowCount;
    }

    public void Dispose()
    {
        foreach (var tensor in new[] { _inputIds, _logitRows, _logitBest, _cumulativeLengths, _pastLengths, _blockTable, _rotaryLengths })
            tensor?.Dispose();
    }
}
