using System.Diagnostics.Metrics;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Guidance;
using Parley.Generator.Sequences;

namespace Parley.Generator;

/// <summary>
/// The Generator's figures. <c>gen_ai.server.*</c> follow OpenTelemetry's conventions for generative AI, their buckets included, with finer
/// ones below 10 ms: a small model on a large device is that fast. <c>parley.generator.*</c> are our own, among them the three gauges that
/// inference gateways pick replicas by: queued, running, KV utilisation. docs/telemetry.md lists them all.
/// </summary>
/// <remarks>
/// What changes with each step is read off a snapshot when somebody collects. The engine's thread records four figures a step and some ten
/// a sequence, and none of them where nobody listens.
/// </remarks>
internal sealed class GeneratorTelemetry
{
    public const string MeterName = "Parley.Generator";

    private static readonly double[] DurationBuckets =
        [.001, .002, .005, .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly double[] TokenBuckets =
        [.0005, .001, .002, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5];

    private static readonly double[] FirstTokenBuckets =
        [.001, .002, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10];

    private static readonly double[] StepBuckets =
        [.0002, .0005, .001, .002, .005, .01, .02, .04, .06, .08, .1, .15, .2, .3, .5, .75, 1, 2.5, 5, 10];

    private static readonly double[] GuideBuckets =
        [.00001, .00002, .00005, .0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2];

    private static readonly int[] CountBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

    private readonly Histogram<double> _requestDuration;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _timePerOutputToken;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _prefillTime;
    private readonly Histogram<double> _decodeTime;
    private readonly Histogram<double> _stepTime;
    private readonly Histogram<int> _stepSequences;
    private readonly Histogram<int> _stepTokens;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _guided;
    private readonly Histogram<double> _compileTime;
    private readonly Histogram<double> _maskTime;
    private readonly Histogram<double> _maskWait;
    private EngineGauges? _gauges;
    private KeyValuePair<string, object?> _model = new("gen_ai.response.model", "");
    private KeyValuePair<string, object?>[] _operation = [];

    public GeneratorTelemetry(IMeterFactory meterFactory)
    {
        var meter = meterFactory.Create(MeterName);
        _requestDuration = Seconds(meter, "gen_ai.server.request.duration", "From acceptance to the end.", DurationBuckets);
        _timeToFirstToken = Seconds(meter, "gen_ai.server.time_to_first_token", "From acceptance to the first token.", FirstTokenBuckets);
        _timePerOutputToken = Seconds(
            meter, "gen_ai.server.time_per_output_token", "Between two tokens after the first, mean of a request.", TokenBuckets);
        _queueTime = Seconds(meter, "parley.generator.queue.duration", "From acceptance to the first step.", FirstTokenBuckets);
        _prefillTime = Seconds(meter, "parley.generator.prefill.duration", "From the first step to the first token.", FirstTokenBuckets);
        _decodeTime = Seconds(meter, "parley.generator.decode.duration", "From the first token to the end.", DurationBuckets);
        _stepTime = Seconds(meter, "parley.generator.step.duration", "One run of the model.", StepBuckets);
        _stepSequences = Count(meter, "parley.generator.step.sequences", "{sequence}", "Sequences of a step.");
        _stepTokens = Count(meter, "parley.generator.step.tokens", "{token}", "Tokens of a step, drafts included.");
        _ended = meter.CreateCounter<long>("parley.generator.sequences.ended", "{sequence}", "Sequences by their ending.");
        _refused = meter.CreateCounter<long>("parley.generator.requests.refused", "{request}", "Requests that were not queued, by reason.");
        _guided = meter.CreateCounter<long>(
            "parley.generator.guides.requested", "{request}", "Sequences with a guide, by its kind and whether it was there already.");
        _compileTime = Seconds(meter, "parley.generator.guide.compile.duration", "Compiling a guide, by kind and outcome.", GuideBuckets);
        _maskTime = Seconds(meter, "parley.generator.guide.mask.duration", "All masks of a step, made beside its run.", GuideBuckets);
        _maskWait = Seconds(
            meter, "parley.generator.guide.wait.duration", "What a step waited for its masks behind the model's run.", GuideBuckets);
        AddGauges(meter);
        AddTotals(meter);
    }

    /// <summary>Starts the gauges: before it they report nothing. Sequences that end before it, in warming up, are not counted.</summary>
    public void Observe(EngineGauges gauges)
    {
        _model = new("gen_ai.response.model", gauges.Model);
        _operation = [new("gen_ai.operation.name", "chat"), new("gen_ai.provider.name", "parley"), _model];
        Volatile.Write(ref _gauges, gauges);
    }

    public void FirstToken(TimeSpan sinceAcceptance)
    {
        if (_gauges is not null)
            _timeToFirstToken.Record(sinceAcceptance.TotalSeconds, _operation);
    }

    /// <summary>Counts a run of the model.</summary>
    public void Stepped(TimeSpan duration, int sequences, int tokens)
    {
        if (_gauges is null)
            return;
        _stepTime.Record(duration.TotalSeconds, _model);
        _stepSequences.Record(sequences, _model);
        _stepTokens.Record(tokens, _model);
    }

    /// <summary>Counts a request that the queue did not take.</summary>
    public void Refused(AdmissionResult reason) => _refused.Add(1, _model, new("parley.refusal.reason", NameOf(reason)));

    /// <summary>Counts a sequence with a guide.</summary>
    public void Guided(GuideKind kind, bool wasKept) =>
        _guided.Add(1, _model, new("parley.guide.kind", NameOf(kind)), new("parley.guide.kept", wasKept));

    /// <summary>Counts a compilation.</summary>
    /// <param name="kind">Of what.</param>
    /// <param name="outcome">compiled, refused, too_slow, abandoned or failed.</param>
    /// <param name="duration">How long.</param>
    public void GuideCompiled(GuideKind kind, string outcome, TimeSpan duration) => _compileTime.Record(
        duration.TotalSeconds, _model, new("parley.guide.kind", NameOf(kind)), new("parley.guide.outcome", outcome));

    /// <summary>Counts the masks of a step.</summary>
    /// <param name="duration">Time of the threads that made them.</param>
    /// <param name="waited">Time that the step had to wait for them.</param>
    public void Masked(TimeSpan duration, TimeSpan waited)
    {
        if (_gauges is null)
            return;
        _maskTime.Record(duration.TotalSeconds, _model);
        _maskWait.Record(waited.TotalSeconds, _model);
    }

    /// <summary>Counts an ending and the times that led to it; those of stages that the sequence did not reach are no figures.</summary>
    public void Ended(SequenceEnd end, bool wasStarted, bool hadTokens)
    {
        if (_gauges is null)
            return;
        var (usage, timings) = (end.Usage, end.Timings);
        var reason = end.Finish is { } finish ? NameOf(finish) : NameOf(end.Failure!.Value);
        _ended.Add(1, _model, new("parley.end.reason", reason));
        _queueTime.Record(timings.Queue.TotalSeconds, _model);
        if (wasStarted)
            _prefillTime.Record(timings.Prefill.TotalSeconds, _model);
        if (hadTokens)
            _decodeTime.Record(timings.Decode.TotalSeconds, _model);
        var total = (timings.Queue + timings.Prefill + timings.Decode).TotalSeconds;
        if (end.Failure is null)
            _requestDuration.Record(total, _operation);
        else
            _requestDuration.Record(total, [.. _operation, new("error.type", reason)]);
        if (hadTokens && usage.CompletionTokens > 1 && end.Failure is null)
            _timePerOutputToken.Record(timings.Decode.TotalSeconds / (usage.CompletionTokens - 1), _operation);
    }

    /// <summary>How labels and spans name it.</summary>
    public static string NameOf(FinishReason reason) => reason switch
    {
        FinishReason.Eos => "eos",
        FinishReason.StopToken => "stop_token",
        FinishReason.MaxTokens => "max_tokens",
        _ => "context_full",
    };

    /// <summary>How labels and spans name it.</summary>
    public static string NameOf(FailureReason reason) => reason switch
    {
        FailureReason.Cancelled => "cancelled",
        FailureReason.StepFailed => "step_failed",
        FailureReason.ShuttingDown => "shutting_down",
        FailureReason.DeadlineExceeded => "deadline_exceeded",
        FailureReason.SlowReader => "slow_reader",
        FailureReason.Unhealthy => "unhealthy",
        FailureReason.ModelFault => "model_fault",
        FailureReason.NothingToChoose => "nothing_to_choose",
        _ => "internal",
    };

    private static string NameOf(GuideKind kind) => kind switch
    {
        GuideKind.JsonSchema => "json_schema",
        GuideKind.Regex => "regex",
        GuideKind.Grammar => "grammar",
        GuideKind.StructuralTag => "structural_tag",
        _ => "choice",
    };

    private static string NameOf(AdmissionResult reason) => reason switch
    {
        AdmissionResult.Overloaded => "overloaded",
        AdmissionResult.TooLate => "too_late",
        AdmissionResult.Draining => "draining",
        _ => "unhealthy",
    };

    private void AddGauges(Meter meter)
    {
        Gauge(meter, "parley.generator.requests.queued", "{request}", "Requests that wait to run.",
            (gauges, snapshot) => Math.Max(gauges.Queue().Requests, snapshot.WaitingSequences));
        Gauge(meter, "parley.generator.requests.running", "{request}", "Sequences that run.", (_, snapshot) => snapshot.RunningSequences);
        Gauge(meter, "parley.generator.tokens.queued", "{token}", "Prompt tokens of the requests that wait.",
            (gauges, _) => gauges.Queue().PromptTokens);
        Gauge(meter, "parley.generator.kv.utilization", "1", "Part of the KV blocks that sequences hold.",
            (_, snapshot) => snapshot.KvBlocks == 0 ? 0 : (double)snapshot.KvBlocksUsed / snapshot.KvBlocks);
        Gauge(meter, "parley.generator.kv.blocks.used", "{block}", "KV blocks that sequences hold.",
            (_, snapshot) => snapshot.KvBlocksUsed);
        Gauge(meter, "parley.generator.kv.blocks.limit", "{block}", "KV blocks that there are.", (_, snapshot) => snapshot.KvBlocks);
        Gauge(meter, "parley.generator.states.used", "{slot}", "Slots of states that sequences and snapshots hold.",
            (_, snapshot) => snapshot.StateSlotsUsed);
        Gauge(meter, "parley.generator.states.limit", "{slot}", "Slots of states that there are.", (_, snapshot) => snapshot.StateSlots);
        Gauge(meter, "parley.generator.states.snapshots", "{slot}", "Slots of states that are snapshots.",
            (_, snapshot) => snapshot.StateSnapshots);
        Gauge(meter, "parley.generator.step.budget", "{token}", "Most tokens of a step.", (gauges, _) => gauges.StepTokensMax);
        Gauge(meter, "parley.generator.healthy", null, "1, or 0 where the engine takes no more work and the process must be restarted.",
            (gauges, _) => gauges.IsHealthy() ? 1 : 0);
        meter.CreateObservableGauge(
            "parley.generator.heartbeat.age", () => Read<double>(gauges => gauges.Heartbeat()?.TotalSeconds), "s",
            "Time since the engine's thread last went round; an idle one does at least every second.");
    }

    private void AddTotals(Meter meter)
    {
        Total(meter, "parley.generator.steps", "{step}", "Runs of the model.", snapshot => snapshot.Steps);
        Total(meter, "parley.generator.tokens.prompt", "{token}", "Prompt tokens read or spared.", snapshot => snapshot.PromptTokens);
        Total(meter, "parley.generator.tokens.cached", "{token}", "Prompt tokens that the prefix cache spared.",
            snapshot => snapshot.CachedTokens);
        Total(meter, "parley.generator.tokens.completion", "{token}", "Tokens of answers.", snapshot => snapshot.CompletionTokens);
        Total(meter, "parley.generator.tokens.drafted", "{token}", "Tokens that were guessed.", snapshot => snapshot.DraftTokens);
        Total(meter, "parley.generator.tokens.accepted", "{token}", "Guessed tokens that were right.", snapshot => snapshot.AcceptedTokens);
        Total(meter, "parley.generator.tokens.drafted.head", "{token}", "Tokens that the model's own head guessed.",
            snapshot => snapshot.HeadDraftTokens);
        Total(meter, "parley.generator.tokens.accepted.head", "{token}", "Guesses of the model's own head that were right.",
            snapshot => snapshot.HeadAcceptedTokens);
        Total(meter, "parley.generator.states.snapshots.taken", "{snapshot}", "Sequences that went on from a snapshot.",
            snapshot => snapshot.StateSnapshotsTaken);
        Total(meter, "parley.generator.states.snapshots.evicted", "{snapshot}", "Snapshots that gave way to others.",
            snapshot => snapshot.StateSnapshotsEvicted);
        Total(meter, "parley.generator.states.snapshots.broken", "{snapshot}", "Snapshots whose checksum was wrong.",
            snapshot => snapshot.StateSnapshotsBroken);
        Total(meter, "parley.generator.preemptions", "{preemption}", "Sequences that lost their KV blocks to others.",
            snapshot => snapshot.Preemptions);
    }

    private static Histogram<double> Seconds(Meter meter, string name, string description, double[] buckets) =>
        meter.CreateHistogram(
            name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });

    private static Histogram<int> Count(Meter meter, string name, string unit, string description) =>
        meter.CreateHistogram(
            name, unit, description, tags: null,
            new InstrumentAdvice<int> { HistogramBucketBoundaries = CountBuckets });

    private void Gauge<T>(Meter meter, string name, string? unit, string description, Func<EngineGauges, EngineSnapshot, T> read)
        where T : struct => meter.CreateObservableGauge(
            name, () => Read<T>(gauges => gauges.Snapshot() is { } snapshot ? read(gauges, snapshot) : null), unit, description);

    private void Total(Meter meter, string name, string unit, string description, Func<EngineSnapshot, long> read) =>
        meter.CreateObservableCounter(
            name, () => Read<long>(gauges => gauges.Snapshot() is { } snapshot ? read(snapshot) : null), unit, description);

    private Measurement<T>[] Read<T>(Func<EngineGauges, T?> read)
        where T : struct =>
        Volatile.Read(ref _gauges) is { } gauges && read(gauges) is { } value ? [new Measurement<T>(value, _model)] : [];
}
