using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Parley.Generator.Adapters;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Guides;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.TestSupport;

namespace Parley.Generator.Tests.Doubles;

/// <summary>An engine on a scripted model, stepped by hand; every step is followed by the check of all invariants.</summary>
internal sealed class EngineBench : IDisposable
{
    public const uint Eos = 63;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly List<Sequence> _sequences = [];
    private readonly int _draftTokensDefault;
    private int _lastId;

    public EngineBench(
        ScriptedModelRunner? runner = null, int runningMax = 16, int stepTokensMax = 32, int chunkTokens = 8, int queuedMax = 64,
        int queuedTokensMax = 10_000, int stepFailuresMax = 3, int? contextTokensMax = null, int draftTokensMax = 0,
        int? draftTokensDefault = null, ILogger? logger = null, int stateSnapshotTokens = 512,
        int headTokensMax = 0)
    {
        _draftTokensDefault = draftTokensDefault ?? draftTokensMax;
        Runner = runner ?? new ScriptedModelRunner();
        Queue = new AdmissionQueue(queuedMax, queuedTokensMax, Time);
        var limits = new EngineLimits
        {
            ContextTokensMax = contextTokensMax ?? Math.Min(Runner.Shape.ContextTokensMax, Runner.BlockCount * Runner.BlockTokens),
            StepTokensMax = stepTokensMax,
            PrefillChunkTokens = chunkTokens,
            RunningSequencesMax = runningMax,
            SlowReaderMax = TimeSpan.FromSeconds(30),
            PriorityAging = TimeSpan.FromSeconds(10),
            StepFailuresMax = stepFailuresMax,
            DraftTokensMax = draftTokensMax,
            HeadDraftTokensMax = headTokensMax,
            StateSnapshotTokens = stateSnapshotTokens,
        };
        Telemetry = new GeneratorTelemetry(Meters);
        Engine = new GenerationEngine(Runner, [Eos], limits, Queue, Time, Telemetry, logger ?? Log.CreateLogger("engine"));
    }

    public FakeTimeProvider Time { get; } = new();

    public LogGuard Log { get; } = new();

    public ScriptedModelRunner Runner { get; }

    public AdmissionQueue Queue { get; }

    public IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    public GeneratorTelemetry Telemetry { get; }

    public GenerationEngine Engine { get; }

    public static SamplingParameters Greedy(int maxTokens) => new() { MaxTokens = maxTokens, IgnoreEos = true };

    public static SamplingParameters Sampled(ulong seed, int maxTokens) =>
        new() { Sample = true, Seed = seed, MaxTokens = maxTokens, TopK = 20, TopP = 0.95f };

    public static uint[] Prompt(int length, uint salt = 0) =>
        [.. Enumerable.Range(0, length).Select(i => (uint)((i * 7) + (salt * 13)) % 60)];

    public Sequence Make(
        uint[] prompt, SamplingParameters parameters, int streamTokensMax = 4096, long deadline = long.MaxValue, uint[]? resumed = null,
        GuideMatcher? guide = null, AdapterHold? adapter = null) =>
        new(
            $"s{++_lastId}", prompt, resumed ?? [],
            parameters.DraftTokens > 0 ? parameters : parameters with { DraftTokens = _draftTokensDefault },
            new TokenStream(streamTokensMax, Queue.Wake), deadline)
        { Guide = guide, Adapter = adapter };

    public Sequence Submit(
        uint[] prompt, SamplingParameters parameters, int streamTokensMax = 4096, long deadline = long.MaxValue, uint[]? resumed = null,
        GuideMatcher? guide = null, AdapterHold? adapter = null)
    {
        var sequence = Make(prompt, parameters, streamTokensMax, deadline, resumed, guide, adapter);
        Assert.Equal(AdmissionResult.Accepted, Queue.TryEnqueue(sequence));
        _sequences.Add(sequence);
        return sequence;
    }

    public StepOutcome Step()
    {
        var outcome = Engine.Step();
        Assert.Empty(Engine.CheckInvariants());
        if (outcome == StepOutcome.Blocked)
            Assert.All(_sequences, s => Assert.True(s.Status is not SequenceStatus.Running || s.Stream.IsFull, s.RequestId));
        return outcome;
    }

    /// <summary>Steps until nothing is left to do, at most this often.</summary>
    public StepOutcome Drive(int stepsMax = 10_000)
    {
        for (var i = 0; i < stepsMax; i++)
        {
            if (Step() is var outcome && outcome is StepOutcome.Idle or StepOutcome.Blocked)
                return outcome;
        }

        throw new InvalidOperationException($"The engine is not idle after {stepsMax} steps.");
    }

    /// <summary>What has reached the reader so far.</summary>
    public static uint[] Read(Sequence sequence)
    {
        var tokens = new List<StreamedToken>();
        sequence.Stream.ReadReady(tokens);
        return [.. tokens.Select(token => token.Id)];
    }

    /// <summary>The answer that the scripted model gives to this prompt when nothing but arithmetic is in the way.</summary>
    public static uint[] Expected(
        uint[] prompt, SamplingParameters parameters, int vocabularySize = 64, Func<uint[], float[]>? logitsOf = null,
        int contextTokensMax = int.MaxValue)
    {
        var sampler = new Sampler(vocabularySize, [Eos]);
        var sequence = new Sequence("expected", prompt, [], parameters, new TokenStream(1));
        logitsOf ??= history => ScriptedModelRunner.HashedLogits(history, vocabularySize);
        while (sequence.AnswerLength < parameters.MaxTokens && sequence.Length < contextTokensMax)
        {
            var logits = logitsOf(sequence.Tokens.ToArray());
            var id = sampler.Sample(logits, sequence, out _);
            sequence.Append(id);
            if (id == Eos && !parameters.IgnoreEos)
                break;
        }

        return sequence.Tokens[prompt.Length..].ToArray();
    }

    /// <summary>Nothing is held by anybody.</summary>
    public void AssertEmpty()
    {
        Assert.Equal(StepOutcome.Idle, Step());
        var snapshot = Engine.Snapshot;
        Assert.Equal((0, 0, 0), (snapshot.RunningSequences, snapshot.WaitingSequences, snapshot.KvBlocksUsed));
        Assert.Equal((0, 0), (Queue.Requests, Queue.PromptTokens));
        Assert.Equal(snapshot.StateSnapshots, snapshot.StateSlotsUsed);
    }

    public void Dispose()
    {
        Engine.Dispose();
        _services.Dispose();
    }
}
