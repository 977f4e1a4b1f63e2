using System.Diagnostics;
using Parley.Generator.Execution;
using Parley.Generator.Model;

namespace Parley.Cli.Bench;

/// <summary>Runs steps on the runner that the Generator uses, and times them.</summary>
internal sealed class EngineSteps : IDisposable
{
    private const int WarmUpSteps = 3;

    private readonly EngineLoad _load;
    private readonly RunnerOptions _options;
    private readonly OnnxModelRunner _runner;
    private readonly StepBatch _batch;
    private readonly uint[] _ids;

    public EngineSteps(string packageFolder, EngineLoad load, int threads)
    {
        _load = load;
        var package = ModelPackage.Open(packageFolder);
        var longest = Math.Max(load.Past + 1, load.Prompts.Max());
        var sequences = load.Batches.Max();
        _options = new RunnerOptions
        {
            BlockTokens = load.BlockTokens,
            CachePrecision = load.CachePrecision,
            BlockCount = sequences * ((longest + load.BlockTokens - 1) / load.BlockTokens),
            StepTokensMax = Math.Max(sequences, longest),
            SequencesMax = sequences,
            LogitRowsMax = sequences,
            ContextTokensMax = longest,
            Threads = threads,
        };
        _runner = OnnxModelRunner.Create(package.ModelPath, package.Manifest, _options);
        _batch = _options.CreateBatch();
        _ids = new uint[longest];
        var random = new Random(1);
        for (var i = 0; i < longest; i++)
            _ids[i] = (uint)random.Next(package.Manifest.Shape.VocabularySize);
    }

    public string Device => _runner.Device;

    public IReadOnlyList<EngineResult> Run(CancellationToken cancellationToken)
    {
        var rows = new List<EngineResult>();
        foreach (var tokens in _load.Prompts)
            rows.Add(Measure("prefill", 1, tokens, past: 0, cancellationToken));

        // The cache is filled for real: a decode step reads what a prompt has written.
        for (var sequence = 0; sequence < _load.Batches.Max(); sequence++)
        {
            Plan(sequence, 1, _load.Past, past: 0);
            _runner.Run(_batch);
        }

        foreach (var sequences in _load.Batches)
            rows.Add(Measure("decode", sequences, sequences, _load.Past, cancellationToken));
        return rows;
    }

    public void Dispose() => _runner.Dispose();

    private EngineResult Measure(string kind, int sequences, int tokens, int past, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var i = 0; i < WarmUpSteps + _load.Repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Plan(0, sequences, tokens / sequences, past);
            var started = Stopwatch.GetTimestamp();
            _runner.Run(_batch);
            if (i >= WarmUpSteps)
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        times.Sort();
        var median = times[times.Count / 2];
        return new EngineResult(kind, sequences, tokens, past, median, tokens / median * 1000);
    }

    private void Plan(int first, int sequences, int tokensEach, int past)
    {
        var blocks = (past + tokensEach + _load.BlockTokens - 1) / _load.BlockTokens;
        var stride = _options.BlocksPerSequenceMax;
        Span<int> table = stackalloc int[blocks];
        _batch.Clear(blocks);
        for (var sequence = first; sequence < first + sequences; sequence++)
        {
            for (var block = 0; block < blocks; block++)
                table[block] = (sequence * stride) + block;
            _batch.Add(_ids.AsSpan(past, tokensEach), past, table, logitRows: 1);
        }
    }
}
