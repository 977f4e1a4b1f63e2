using System.Diagnostics;
using Parley.Generator.Execution;
using Parley.Generator.Model;

namespace Parley.Cli.Bench.Engine;

/// <summary>Runs steps on the runner that the Generator uses, and times them.</summary>
internal sealed class EngineSteps : IDisposable
{
    private const int WarmUpSteps = 3;

    private readonly EngineLoad _load;
    private readonly RunnerOptions _options;
    private readonly OnnxModelRunner _runner;
    private readonly ModelPackage _package;
    private readonly long _weightBytes;
    private readonly double _loadSeconds;
    private readonly StepBatch _batch;
    private readonly uint[] _ids;

    public EngineSteps(string packageFolder, EngineLoad load, int threads)
    {
        _load = load;
        var package = _package = ModelPackage.Open(packageFolder);
        _weightBytes = new FileInfo(Path.ChangeExtension(package.ModelPath, ".data")) is { Exists: true } data ? data.Length : 0;
        var longest = Math.Max(load.Pasts.Max() + 1, load.Prompts.Max());
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
        var started = Stopwatch.GetTimestamp();
        _runner = OnnxModelRunner.Create(package.ModelPath, package.Manifest, _options);
        _loadSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        _batch = _options.CreateBatch();
        _ids = new uint[longest];
        var random = new Random(1);
        for (var i = 0; i < longest; i++)
            _ids[i] = (uint)random.Next(package.Manifest.Shape.VocabularySize);
    }

    public EngineReport Run(CancellationToken cancellationToken)
    {
        var bandwidth = BandwidthProbe.Measure(Environment.ProcessorCount);
        var rows = new List<EngineResult>();
        foreach (var tokens in _load.Prompts)
            rows.Add(Measure("prefill", 1, tokens, past: 0, cancellationToken));

        // The cache is filled for real: a decode step reads what a prompt has written.
        for (var sequence = 0; sequence < _load.Batches.Max(); sequence++)
        {
            Plan(sequence, 1, _load.Pasts.Max(), past: 0);
            _runner.Run(_batch);
        }

        foreach (var past in _load.Pasts)
        {
            foreach (var sequences in _load.Batches)
                rows.Add(Measure("decode", sequences, sequences, past, cancellationToken));
        }

        // The machine may have been disturbed before, or may be now: what it can do is the better of both.
        bandwidth = Math.Max(bandwidth, BandwidthProbe.Measure(Environment.ProcessorCount));
        return new EngineReport(
            MachineFacts.Read(), bandwidth / 1e9, _package.Folder, _package.Manifest.Precision, _weightBytes, _runner.Device, _loadSeconds,
            _load, [.. rows.Select(row => row with { BandwidthShare = row.GigabytesPerSecond * 1e9 / bandwidth })]);
    }

    public void Dispose() => _runner.Dispose();

    private EngineResult Measure(string kind, int sequences, int tokens, int past, CancellationToken cancellationToken)
    {
        var times = new List<double>(_load.Repeats);
        var allocated = 0L;
        for (var i = 0; i < WarmUpSteps + _load.Repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Plan(0, sequences, tokens / sequences, past);
            var (bytes, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            _runner.Run(_batch);
            if (i < WarmUpSteps)
                continue;
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            allocated += GC.GetAllocatedBytesForCurrentThread() - bytes;
        }

        times.Sort();
        var median = times[times.Count / 2];
        var bytesRead = _weightBytes + ((double)sequences * past * _package.Shape.CacheElementsPerToken * sizeof(float));
        var gigabytesPerSecond = bytesRead / median / 1e6;
        return new EngineResult(
            kind, sequences, tokens, past, median, times[Math.Min(times.Count - 1, (int)(times.Count * 0.95))], tokens / median * 1000,
            gigabytesPerSecond, BandwidthShare: 0, (double)allocated / times.Count);
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
