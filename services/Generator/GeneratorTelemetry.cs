using System.Diagnostics.Metrics;
using Parley.Generator.Engine;
using Parley.Generator.Sequences;

namespace Parley.Generator;

/// <summary>
/// The Generator's figures. <c>gen_ai.server.*</c> follow OpenTelemetry's GenAI conventions, buckets included;
/// <c>parley.generator.*</c> are our own, among them the three gauges that inference gateways pick replicas by:
/// queued, running, KV utilisation.
/// </summary>
internal sealed class GeneratorTelemetry
{
    public const string MeterName = "Parley.Generator";

    private static readonly double[] DurationBuckets =
        [.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    // Below the convention's first bucket stand 0.5 to 5 ms: a small model on a large device is that fast.
    private static readonly double[] TokenBuckets =
        [.0005, .001, .002, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5];

    private static readonly double[] FirstTokenBuckets =
        [.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10];

    private readonly Histogram<double> _requestDuration;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _timePerOutputToken;
    private readonly Histogram<double> _queueTime;
    private readonly Counter<long> _ended;
    private Func<EngineSnapshot?> _snapshot = static () => null;
    private string _model = "";

    public GeneratorTelemetry(IMeterFactory meterFactory)
    {
        var meter = meterFactory.Create(MeterName);
        _requestDuration = Histogram(meter, "gen_ai.server.request.duration", "From acceptance to the end.", DurationBuckets);
        _timeToFirstToken = Histogram(meter, "gen_ai.server.time_to_first_token", "From acceptance to the first token.", FirstTokenBuckets);
        _timePerOutputToken = Histogram(
            meter, "gen_ai.server.time_per_output_token", "Between two tokens after the first, mean of a request.", TokenBuckets);
        _queueTime = Histogram(meter, "parley.generator.queue.duration", "From acceptance to the first step.", FirstTokenBuckets);
        _ended = meter.CreateCounter<long>("parley.generator.sequences.ended", "{sequence}", "Sequences by their ending.");
        Gauge(meter, "parley.generator.requests.queued", "{request}", snapshot => snapshot.WaitingSequences);
        Gauge(meter, "parley.generator.requests.running", "{request}", snapshot => snapshot.RunningSequences);
        Gauge(meter, "parley.generator.kv.utilization", "1", snapshot => (double)snapshot.KvBlocksUsed / snapshot.KvBlocks);
        Total(meter, "parley.generator.steps", "{step}", snapshot => snapshot.Steps);
        Total(meter, "parley.generator.tokens.prompt", "{token}", snapshot => snapshot.PromptTokens);
        Total(meter, "parley.generator.tokens.cached", "{token}", snapshot => snapshot.CachedTokens);
        Total(meter, "parley.generator.tokens.completion", "{token}", snapshot => snapshot.CompletionTokens);
        Total(meter, "parley.generator.tokens.drafted", "{token}", snapshot => snapshot.DraftTokens);
        Total(meter, "parley.generator.tokens.accepted", "{token}", snapshot => snapshot.AcceptedTokens);
        Total(meter, "parley.generator.preemptions", "{preemption}", snapshot => snapshot.Preemptions);
    }

    /// <summary>Starts the gauges: before it they report nothing. Sequences that end before it, in warming up, are not counted.</summary>
    public void Observe(Func<EngineSnapshot?> snapshot, string model)
    {
        _model = model;
        Volatile.Write(ref _snapshot, snapshot);
    }

    public void FirstToken(TimeSpan sinceAcceptance)
    {
        if (_timeToFirstToken.Enabled && _model.Length > 0)
            _timeToFirstToken.Record(sinceAcceptance.TotalSeconds, Model());
    }

    /// <summary>Counts an ending and the times that led to it.</summary>
    public void Ended(SequenceEnd end, bool hadTokens)
    {
        if (_model.Length == 0)
            return;
        var (usage, timings) = (end.Usage, end.Timings);
        var reason = end.Finish?.ToString() ?? end.Failure.ToString();
        _ended.Add(1, Model(), new KeyValuePair<string, object?>("parley.end.reason", reason));
        _queueTime.Record(timings.Queue.TotalSeconds, Model());
        var total = timings.Queue + timings.Prefill + timings.Decode;
        if (end.Failure is null)
            _requestDuration.Record(total.TotalSeconds, Model());
        else
            _requestDuration.Record(total.TotalSeconds, Model(), new KeyValuePair<string, object?>("error.type", reason));
        if (hadTokens && usage.CompletionTokens > 1)
            _timePerOutputToken.Record(timings.Decode.TotalSeconds / (usage.CompletionTokens - 1), Model());
    }

    private static Histogram<double> Histogram(Meter meter, string name, string description, double[] buckets) =>
        meter.CreateHistogram(
            name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });

    private void Gauge<T>(Meter meter, string name, string unit, Func<EngineSnapshot, T> read)
        where T : struct => meter.CreateObservableGauge(name, () => Read(read), unit);

    private void Total(Meter meter, string name, string unit, Func<EngineSnapshot, long> read) =>
        meter.CreateObservableCounter(name, () => Read(read), unit);

    private IEnumerable<Measurement<T>> Read<T>(Func<EngineSnapshot, T> read)
        where T : struct => Volatile.Read(ref _snapshot)() is { } snapshot ? [new Measurement<T>(read(snapshot), Model())] : [];

    private KeyValuePair<string, object?> Model() => new("gen_ai.response.model", _model);
}
