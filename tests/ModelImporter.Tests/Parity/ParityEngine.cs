using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Parley.Generator;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>A package in the Generator's engine, stepped by hand.</summary>
internal sealed class ParityEngine : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly AdmissionQueue _queue = new(64, 100_000, TimeProvider.System);
    private readonly GenerationEngine _engine;
    private readonly int _draftTokens;

    /// <param name="package">The model.</param>
    /// <param name="blocks">KV blocks.</param>
    /// <param name="draftTokens">Tokens of a draft.</param>
    /// <param name="stepTokens">Tokens of a step.</param>
    /// <param name="context">Tokens of a sequence.</param>
    /// <param name="headTokens">Those of a draft by the model's own head; 0 does without.</param>
    public ParityEngine(
        ParityPackage package, int blocks = 64, int draftTokens = 0, int stepTokens = 64, int context = 256, int headTokens = 0)
        : this(package.Open, blocks, draftTokens, stepTokens, context, headTokens)
    {
    }

    /// <param name="open">Makes the runner.</param>
    /// <param name="blocks">KV blocks.</param>
    /// <param name="draftTokens">Tokens of a draft.</param>
    /// <param name="stepTokens">Tokens of a step.</param>
    /// <param name="context">Tokens of a sequence.</param>
    /// <param name="headTokens">Those of a draft by the model's own head; 0 does without.</param>
    public ParityEngine(
        Func<RunnerOptions, IModelRunner> open, int blocks = 64, int draftTokens = 0, int stepTokens = 64, int context = 256,
        int headTokens = 0)
    {
        _draftTokens = draftTokens;
        var options = ParityPackage.Options(blocks, context) with { Drafts = headTokens > 0 };
        var limits = new EngineLimits
        {
            ContextTokensMax = context,
            StepTokensMax = stepTokens,
            PrefillChunkTokens = stepTokens,
            RunningSequencesMax = options.SequencesMax,
            SlowReaderMax = TimeSpan.FromMinutes(5),
            PriorityAging = TimeSpan.FromMinutes(5),
            StepFailuresMax = 1,
            DraftTokensMax = draftTokens,
            HeadDraftTokensMax = headTokens,
        };
        var telemetry = new GeneratorTelemetry(_services.GetRequiredService<IMeterFactory>());
        _engine = new GenerationEngine(
            open(options), [1], limits, _queue, TimeProvider.System, telemetry, NullLogger.Instance);
    }

    public EngineTotals Totals => _engine.Totals;

    /// <summary>Most blocks in use after a step.</summary>
    public int BlocksUsedMax { get; private set; }

    /// <summary>What the engine's state is after the last step.</summary>
    public EngineSnapshot Snapshot => _engine.Snapshot;

    /// <summary>Greedy continuations of some prompts at once.</summary>
    public uint[][] Greedy(int count, params IReadOnlyList<uint[]> prompts) =>
        [.. Run(count, logprobs: false, [.. prompts.Select(ids => (ids, Array.Empty<uint>()))])
            .Select(tokens => tokens.Select(token => token.Id).ToArray())];

    /// <summary>The same with the log-probabilities of each token and the eight best, and with answers that were begun elsewhere.</summary>
    public StreamedToken[][] Run(int count, bool logprobs, params IReadOnlyList<(uint[] Prompt, uint[] Resumed)> requests) =>
        Run(new SamplingParameters { MaxTokens = count }, count, logprobs, requests);

    /// <summary>The same of tokens that are chosen in another way.</summary>
    public StreamedToken[][] Run(
        SamplingParameters sampling, int count, bool logprobs, params IReadOnlyList<(uint[] Prompt, uint[] Resumed)> requests) =>
        [.. Drive(sampling, count, logprobs, requests).Select(Read)];

    private Sequence[] Drive(
        SamplingParameters sampling, int count, bool logprobs, IReadOnlyList<(uint[] Prompt, uint[] Resumed)> requests)
    {
        var parameters = sampling with
        {
            MaxTokens = count,
            IgnoreEos = true,
            DraftTokens = _draftTokens,
            Logprobs = logprobs,
            TopLogprobs = logprobs ? 8 : 0,
        };
        Sequence[] sequences = [.. requests.Select(
            (request, i) => new Sequence($"s{i}", request.Prompt, request.Resumed, parameters, new TokenStream(4096)))];
        foreach (var sequence in sequences)
            Assert.Equal(AdmissionResult.Accepted, _queue.TryEnqueue(sequence));
        for (var outcome = StepOutcome.Completed; outcome == StepOutcome.Completed;)
        {
            outcome = _engine.Step();
            Assert.Empty(_engine.CheckInvariants());
            BlocksUsedMax = Math.Max(BlocksUsedMax, _engine.Snapshot.KvBlocksUsed);
        }

        return sequences;
    }

    /// <summary>The same, and how each ended.</summary>
    public (StreamedToken[] Tokens, SequenceEnd End)[] RunToEnds(int count, params IReadOnlyList<uint[]> prompts) =>
        [.. Drive(new SamplingParameters { MaxTokens = count }, count, true, [.. prompts.Select(ids => (ids, Array.Empty<uint>()))])
            .Select(sequence => (Read(sequence), sequence.Stream.End!))];

    private static StreamedToken[] Read(Sequence sequence)
    {
        var tokens = new List<StreamedToken>();
        sequence.Stream.ReadReady(tokens);
        return [.. tokens];
    }

    public void Dispose()
    {
        _engine.Dispose();
        _services.Dispose();
    }
}
