namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Runs the largest step before anybody waits for one: ONNX Runtime's arena grows to it, so what does not fit shows at start and not in
/// somebody's answer. Over blocks that nobody owns yet.
/// </summary>
internal static class RunnerRehearsal
{
    public static void Run(IModelRunner runner, RunnerOptions options)
    {
        var batch = options.CreateBatch();
        var perSequence = Math.Min(options.ContextTokensMax, options.StepTokensMax);
        var blocks = new int[(perSequence + options.BlockTokens - 1) / options.BlockTokens];
        var ids = new uint[perSequence];
        batch.Clear(blocks.Length);
        var (tokens, rows, next) = (options.StepTokensMax, options.LogitRowsMax, 0);
        for (var left = options.SequencesMax; left > 0 && tokens > 0; left--)
        {
            // The first sequences are long, the others one token each: all tokens, all sequences and all rows in one step.
            var count = Math.Clamp(tokens - (left - 1), 1, perSequence);
            var used = blocks.AsSpan(0, (count + options.BlockTokens - 1) / options.BlockTokens);
            for (var i = 0; i < used.Length; i++)
                used[i] = next++ % options.BlockCount;
            var logitRows = Math.Min(count, Math.Max(rows - (left - 1), 1));
            batch.Add(ids.AsSpan(0, count), 0, used, logitRows, logitBest: 1);
            tokens -= count;
            rows -= logitRows;
        }

        runner.Run(batch);
    }
}
