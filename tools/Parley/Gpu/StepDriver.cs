using Parley.Generator.Execution;

namespace Parley.Cli.Gpu;

/// <summary>Steps of a runner for a fixed number of sequences, each with blocks of its own.</summary>
internal sealed class StepDriver : IDisposable
{
    private readonly StepBatch _batch;
    private readonly int _blocksEach;

    /// <param name="runner">The device; disposed with the driver.</param>
    /// <param name="sequences">Sequences that it has room for.</param>
    /// <param name="stepTokens">Tokens of a step.</param>
    /// <param name="contextTokens">Tokens of a sequence.</param>
    public StepDriver(IModelRunner runner, int sequences, int stepTokens, int contextTokens)
    {
        Runner = runner;
        _blocksEach = Math.Min((contextTokens + runner.BlockTokens - 1) / runner.BlockTokens, runner.BlockCount / sequences);
        StepTokens = Math.Max(stepTokens, sequences);
        _batch = new StepBatch(StepTokens, sequences, Math.Max(_blocksEach, 1), sequences);
    }

    public IModelRunner Runner { get; }

    public int StepTokens { get; }

    /// <summary>Tokens that a sequence can have.</summary>
    public int ContextTokens => _blocksEach * Runner.BlockTokens;

    /// <summary>Runs one step and returns the logits of the last token of each sequence in it.</summary>
    /// <param name="logitsWanted">Whether they leave the device.</param>
    /// <param name="rows">Sequence, its new tokens, its tokens in the cache.</param>
    public ReadOnlyMemory<float> Run(bool logitsWanted, params ReadOnlySpan<(int Sequence, ReadOnlyMemory<uint> Ids, int Past)> rows)
    {
        Plan(logitsWanted, rows);
        return Again();
    }

    /// <summary>Runs the last step once more.</summary>
    public ReadOnlyMemory<float> Again() => Runner.Run(_batch);

    /// <summary>Reads a prompt in chunks and returns the logits of its last token.</summary>
    public float[] Prefill(int sequence, ReadOnlyMemory<uint> ids, int chunk)
    {
        ReadOnlyMemory<float> logits = default;
        for (var past = 0; past < ids.Length; past += chunk)
            logits = Run(true, (sequence, ids.Slice(past, Math.Min(chunk, ids.Length - past)), past));
        return logits.ToArray();
    }

    public void Dispose() => Runner.Dispose();

    private void Plan(bool logitsWanted, ReadOnlySpan<(int Sequence, ReadOnlyMemory<uint> Ids, int Past)> rows)
    {
        var width = 1;
        foreach (var (_, ids, past) in rows)
            width = Math.Max(width, BlocksOf(past + ids.Length));
        _batch.Clear(width);
        Span<int> blocks = stackalloc int[width];
        foreach (var (sequence, ids, past) in rows)
        {
            var count = BlocksOf(past + ids.Length);
            for (var i = 0; i < count; i++)
                blocks[i] = (sequence * _blocksEach) + i;
            _batch.Add(ids.Span, past, blocks[..count], 1, logitBest: logitsWanted ? 0 : 1);
        }
    }

    private int BlocksOf(int tokens) => (tokens + Runner.BlockTokens - 1) / Runner.BlockTokens;
}
