using Parley.Generator.Execution;
using Parley.PackageFormat;

namespace Parley.Cli.Bench.Stack;

/// <summary>
/// Stands in for a model: each step sleeps, and its logits favour ids in turn. What processors do meanwhile is the services' own work.
/// </summary>
internal sealed class PacedRunner : IModelRunner
{
    private const float PeakLogit = 20;
    private const int FirstId = 300;

    private readonly TimeSpan _step;
    private readonly float[] _logits;
    private readonly int[] _peaks;
    private uint _turn;

    /// <param name="shape">The model's whose tokenizer is served: its vocabulary counts.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="step">Time of a step.</param>
    public PacedRunner(ModelShape shape, RunnerOptions options, TimeSpan step)
    {
        _step = step;
        Shape = shape;
        BlockTokens = options.BlockTokens;
        BlockCount = options.BlockCount;
        StateSlots = options.StateSlots;
        _peaks = new int[options.LogitRowsMax];
        _logits = new float[options.LogitRowsMax * shape.VocabularySize];
        var random = new Random(1);
        for (var i = 0; i < _logits.Length; i++)
            _logits[i] = (float)((random.NextDouble() * 10) - 5);
    }

    public ModelShape Shape { get; }

    public int BlockTokens { get; }

    public int BlockCount { get; }

    public int StateSlots { get; }

    public string Device => FormattableString.Invariant($"none: steps of {_step.TotalMilliseconds} ms");

    public ReadOnlyMemory<float> Run(StepBatch batch)
    {
        var rows = batch.LogitRowCount;
        for (var row = 0; row < rows; row++)
        {
            var logits = _logits.AsSpan(row * Shape.VocabularySize, Shape.VocabularySize);
            logits[_peaks[row]] = 0;
            _peaks[row] = FirstId + (int)(_turn++ * 7919 % (uint)(Shape.VocabularySize - FirstId));
            logits[_peaks[row]] = PeakLogit;
        }

        Thread.Sleep(_step);
        return _logits.AsMemory(0, rows * Shape.VocabularySize);
    }

    public void CopyBlock(int source, int destination)
    {
    }

    public void Terminate()
    {
    }

    public void Dispose()
    {
    }
}
