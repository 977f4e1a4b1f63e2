using System.Diagnostics;
using Parley.Generator;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Exports;
using Parley.Generator.Execution.Kernels.Experts;
using Parley.Generator.Model;

namespace Parley.Cli.Bench.Engine;

/// <summary>Runs steps on the runner that the Generator uses, and times them.</summary>
internal sealed class EngineSteps : IDisposable
{
    private const int WarmUpSteps = 3;

    private readonly EngineLoad _load;
    private readonly RunnerOptions _options;
    private readonly IModelRunner _runner;
    private readonly ModelPackage _package;
    private readonly long _weightBytes;
    private readonly long _expertBytes;
    private readonly double _loadSeconds;
    private readonly StepBatch _batch;
    private readonly uint[] _ids;

    public EngineSteps(string packageFolder, EngineLoad load, int threads)
    {
        _load = load;
        var package = _package = ModelPackage.Open(packageFolder);
        _weightBytes = package.WeightBytes;
        var longest = Math.Max(load.Pasts.Max() + 1, load.Prompts.Max());
        var sequences = load.Batches.Max();
        // A block of an export is a slot.
        var block = package.Manifest.Export is null ? load.BlockTokens : longest;
        _options = new RunnerOptions
        {
            BlockTokens = block,
            CachePrecision = load.CachePrecision,
            BlockCount = sequences * ((longest + block - 1) / block),
            StepTokensMax = Math.Max(sequences, longest),
            SequencesMax = sequences,
            LogitRowsMax = sequences,
            ContextTokensMax = longest,
            Threads = threads,
            SpinMicroseconds = load.SpinMicroseconds,
        };
        var (started, held) = (Stopwatch.GetTimestamp(), ExpertReads.HeldBytes);
        _runner = PackageOpener.CreateRunner(package, _options);
        _expertBytes = ExpertReads.HeldBytes - held;
        _loadSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        _batch = _options.CreateBatch();
        _ids = RandomIds(longest, package.Manifest.Shape.VocabularySize);
    }

    /// <summary>Ids of any text, always the same.</summary>
    public static uint[] RandomIds(int count, int vocabularySize)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => (uint)random.Next(vocabularySize))];
    }

    public EngineReport Run(CancellationToken cancellationToken)
    {
        var bandwidth = BandwidthProbe.Measure(Environment.ProcessorCount);
        var rows = new List<EngineResult>();
        foreach (var tokens in _load.Prompts)
            rows.AddRange(Measure("prefill", 1, tokens, past: 0, cancellationToken));

        // The cache is filled for real: a decode step reads what a prompt has written.
        for (var sequence = 0; sequence < _load.Batches.Max(); sequence++)
        {
            Plan(_batch, _options, _load, _ids, sequence, 1, _load.Pasts.Max(), past: 0, logitBest: 1);
            _runner.Run(_batch);
        }

        foreach (var past in _load.Pasts)
        {
            foreach (var sequences in _load.Batches)
                rows.AddRange(Measure("decode", sequences, sequences, past, cancellationToken));
        }

        var parts = _load.Parts ? StepProfile.Run(_package, _options, _load, cancellationToken) : [];
        // The machine may have been disturbed before, or may be now: what it can do is the better of both.
        bandwidth = Math.Max(bandwidth, BandwidthProbe.Measure(Environment.ProcessorCount));
        return new EngineReport(
            MachineFacts.Read(), bandwidth / 1e9, _package.Folder, _package.Manifest.Precision, _weightBytes, _runner.Device, _loadSeconds,
            _load, [.. rows.Select(row => row with { BandwidthShare = row.GigabytesPerSecond * 1e9 / bandwidth })], parts);
    }

    public void Dispose() => _runner.Dispose();

    /// <summary>Steps of one kind, those that want all logits and those that want the best by turns, as the machine changes.</summary>
    private EngineResult[] Measure(string kind, int sequences, int tokens, int past, CancellationToken cancellationToken)
    {
        var times = _load.LogitBests.Select(_ => new List<double>(_load.Repeats)).ToArray();
        var (allocated, experts) = (new long[times.Length], new long[times.Length]);
        for (var i = 0; i < (WarmUpSteps + _load.Repeats) * times.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var turn = i % times.Length;
            Plan(_batch, _options, _load, _ids, 0, sequences, tokens / sequences, past, _load.LogitBests[turn]);
            var (bytes, read, started) = (GC.GetAllocatedBytesForCurrentThread(), ExpertReads.Bytes, Stopwatch.GetTimestamp());
            _runner.Run(_batch);
            if (i < WarmUpSteps * times.Length)
                continue;
            times[turn].Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            allocated[turn] += GC.GetAllocatedBytesForCurrentThread() - bytes;
            experts[turn] += ExpertReads.Bytes - read;
        }

        var cacheBytes = _runner is OnnxModelRunner own ? own.CacheBytes / ((double)_options.BlockCount * _options.BlockTokens)
            : SlotMemoryPlan.BytesPerToken(_package.Shape, _package.Manifest.Export!);
        // Experts are counted where they are read; the rest of the weights is read whole.
        var alwaysRead = _weightBytes - _expertBytes + (sequences * past * cacheBytes);
        var results = new EngineResult[times.Length];
        for (var turn = 0; turn < results.Length; turn++)
        {
            times[turn].Sort();
            var bytesRead = alwaysRead + ((double)experts[turn] / _load.Repeats);
            var (median, p95) = (times[turn][_load.Repeats / 2], times[turn][Math.Min(_load.Repeats - 1, (int)(_load.Repeats * 0.95))]);
            results[turn] = new EngineResult(
                kind, sequences, tokens, past, _load.LogitBests[turn], median, p95, tokens / median * 1000, bytesRead / 1e6,
                bytesRead / median / 1e6, BandwidthShare: 0, (double)allocated[turn] / _load.Repeats);
        }

        return results;
    }

    /// <summary>A step in which each sequence has as many new tokens, in blocks of its own.</summary>
    public static void Plan(
        StepBatch batch, RunnerOptions options, EngineLoad load, uint[] ids, int first, int sequences, int tokensEach, int past,
        int logitBest)
    {
        var blocks = (past + tokensEach + options.BlockTokens - 1) / options.BlockTokens;
        var stride = options.BlocksPerSequenceMax;
        Span<int> table = stackalloc int[blocks];
        batch.Clear(blocks);
        for (var sequence = first; sequence < first + sequences; sequence++)
        {
            for (var block = 0; block < blocks; block++)
                table[block] = (sequence * stride) + block;
            batch.Add(ids.AsSpan(past, tokensEach), past, table, logitRows: 1, logitBest);
            batch.ContinueStates(sequence);
        }
    }
}
