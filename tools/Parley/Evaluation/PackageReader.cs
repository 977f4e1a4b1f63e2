using Parley.Generator.Execution;
using Parley.Generator.Model;

namespace Parley.Cli.Evaluation;

/// <summary>A package that reads windows of a text in the Generator's own runner, step by step.</summary>
internal sealed class PackageReader : IDisposable
{
    private const int BlockTokens = 32;

    private readonly OnnxModelRunner _runner;
    private readonly StepBatch _batch;
    private readonly int[] _blocks;

    /// <summary>Opens a package.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="windowTokens">Ids of the longest window.</param>
    /// <param name="threads">Threads; 0 is one per physical core.</param>
    /// <exception cref="InvalidDataException">The package is broken, or its context is shorter than the window.</exception>
    public PackageReader(string folder, int windowTokens, int threads)
    {
        Package = ModelPackage.Open(folder);
        if (windowTokens > Package.Shape.ContextTokensMax)
        {
            throw new InvalidDataException(
                $"{folder} serves {Package.Shape.ContextTokensMax} positions; --window asks for {windowTokens}, the prefix included.");
        }

        var blocks = (windowTokens + BlockTokens - 1) / BlockTokens;
        var options = new RunnerOptions
        {
            BlockTokens = BlockTokens,
            BlockCount = blocks,
            StepTokensMax = EvaluationPlan.StepTokens,
            SequencesMax = 1,
            LogitRowsMax = EvaluationPlan.StepTokens,
            ContextTokensMax = windowTokens,
            Threads = threads,
        };
        _runner = OnnxModelRunner.Create(Package.ModelPath, Package.Manifest, options);
        _batch = options.CreateBatch();
        _blocks = [.. Enumerable.Range(0, blocks)];
    }

    public ModelPackage Package { get; }

    public string Device => _runner.Device;

    /// <summary>Reads the ids [past, past + count) of a window, those before having been read.</summary>
    /// <param name="window">The window.</param>
    /// <param name="past">Ids that are in the cache.</param>
    /// <param name="count">Ids to read, at most <see cref="EvaluationPlan.StepTokens"/>.</param>
    /// <param name="rows">How many of them, the last ones, want logits.</param>
    /// <returns>Logits [rows, vocabulary], valid until the next call.</returns>
    public ReadOnlyMemory<float> Read(EvaluationWindow window, int past, int count, int rows)
    {
        var blocks = (past + count + BlockTokens - 1) / BlockTokens;
        _batch.Clear(blocks);
        _batch.Add(window.Ids.AsSpan(past, count), past, _blocks.AsSpan(0, blocks), rows);
        _batch.ContinueStates(0);
        return _runner.Run(_batch);
    }

    public void Dispose() => _runner.Dispose();
}
