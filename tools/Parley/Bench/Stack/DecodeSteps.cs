using Parley.Generator.Engine;
using Parley.Generator.Execution;

namespace Parley.Cli.Bench.Stack;

/// <summary>Bare decode steps of some sequences that grow, in blocks of their own, without anything around the runner.</summary>
internal sealed class DecodeSteps
{
    private readonly IModelRunner _runner;
    private readonly StepBatch _batch;
    private readonly int[][] _tables;
    private readonly uint[][] _ids;
    private readonly int _blocksMax;
    private int _past;

    public DecodeSteps(IModelRunner runner, EngineLimits limits, int sequences, int promptTokens)
    {
        _runner = runner;
        _blocksMax = Math.Min(runner.BlockCount / sequences, (limits.ContextTokensMax + runner.BlockTokens - 1) / runner.BlockTokens);
        _batch = new StepBatch(
            Math.Max(limits.StepTokensMax, promptTokens), limits.RunningSequencesMax,
            (limits.ContextTokensMax + runner.BlockTokens - 1) / runner.BlockTokens, limits.LogitRowsMax);
        _past = promptTokens;
        _ids = [.. Enumerable.Range(0, sequences).Select(sequence => RandomIds(sequence, promptTokens, runner.Shape.VocabularySize))];
        _tables = [.. Enumerable.Range(0, sequences).Select(
            sequence => Enumerable.Range(sequence * _blocksMax, _blocksMax).ToArray())];
    }

    /// <summary>Ids below the vocabulary's size, the same for the same seed.</summary>
    public static uint[] RandomIds(int seed, int count, int vocabularySize)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (uint)random.Next(vocabularySize))];
    }

    /// <summary>Fills the cache for real: a decode step reads what a prompt has written.</summary>
    public void Prefill()
    {
        for (var sequence = 0; sequence < _ids.Length; sequence++)
        {
            var blocks = BlocksFor(_past);
            _batch.Clear(blocks);
            _batch.Add(_ids[sequence], 0, _tables[sequence].AsSpan(0, blocks), logitRows: 1);
            _batch.ContinueStates(sequence);
            _runner.Run(_batch);
        }
    }

    /// <summary>One more token for each.</summary>
    public void Decode(IModelRunner runner)
    {
        var blocks = BlocksFor(_past + 1);
        _batch.Clear(blocks);
        for (var sequence = 0; sequence < _ids.Length; sequence++)
        {
            // As greedy requests do.
            _batch.Add(
                _ids[sequence].AsSpan(_past % _ids[sequence].Length, 1), _past, _tables[sequence].AsSpan(0, blocks), logitRows: 1,
                logitBest: 1);
            _batch.ContinueStates(sequence);
        }

        runner.Run(_batch);
        _past++;
    }

    private int BlocksFor(int tokens) => Math.Min(_blocksMax, (tokens + _runner.BlockTokens - 1) / _runner.BlockTokens);
}
