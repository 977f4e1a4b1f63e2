using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Parley.Gateway.Balancing;
using Parley.Gateway.Chat;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Gateway;

/// <summary>
/// Meter and activity source <c>Parley.Gateway</c>. Names, units and buckets of <c>gen_ai.client.*</c> are those of the OpenTelemetry
/// conventions for generative AI, with finer buckets below 10 ms; <c>parley.*</c> is ours. docs/telemetry.md lists them. Contents of
/// messages are recorded where <see cref="TelemetryOptions.MessageContent"/> says so, on spans alone.
/// </summary>
internal sealed class GatewayTelemetry : IDisposable
{
    public const string Name = "Parley.Gateway";

    private static readonly double[] DurationBuckets =
        [.001, .002, .005, .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly long[] TokenBuckets =
        [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

    private readonly ActivitySource _source = new(Name);
    private readonly TelemetryOptions _options;
    private readonly Uri? _server;
    private readonly ObservableGauge<int> _reachable;
    private long _begunAnew;
    private long _resumed;
    private Func<IReadOnlyList<ReplicaLoad>> _loads = static () => [];

    public GatewayTelemetry(
        IMeterFactory meters, IOptions<GatewayOptions> gatewayOptions, IOptions<TelemetryOptions> options, TimeProvider time)
    {
        Time = time;
        Adapters = new AdapterLabels(gatewayOptions.Value.AdapterNamesMax);
        _options = options.Value;
        _server = ReplicaAddresses.Read(gatewayOptions.Value.GeneratorAddress) is { Fixed: [var address] } ? address : null;
        var meter = meters.Create(Name);
        Duration = Seconds(meter, "gen_ai.client.inference.duration", "Duration of a chat.");
        TimeToFirstChunk = Seconds(meter, "gen_ai.client.inference.time_to_first_chunk", "From the request to its first text.");
        TimePerOutputChunk = Seconds(meter, "gen_ai.client.inference.time_per_output_chunk", "Between two chunks of text.");
        InputTokens = meter.CreateCounter<long>("gen_ai.client.inference.usage.input_tokens", "{token}", "Tokens of prompts.");
        OutputTokens = meter.CreateCounter<long>("gen_ai.client.inference.usage.output_tokens", "{token}", "Tokens of answers.");
        CachedTokens = meter.CreateCounter<long>(
            "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}", "Tokens of prompts that the prefix cache spared.");
        InputTokensOfOne = Tokens(meter, "gen_ai.client.inference.operation.input_tokens", "Tokens of a prompt.");
        OutputTokensOfOne = Tokens(meter, "gen_ai.client.inference.operation.output_tokens", "Tokens of a chat's answers.");
        ActiveRequests = meter.CreateUpDownCounter<long>("parley.gateway.active_requests", "{request}", "Chats in flight.");
        AbortedRequests = meter.CreateCounter<long>("parley.gateway.aborted_requests", "{request}", "Chats whose caller left.");
        CallerRequests = meter.CreateCounter<long>(
            "parley.gateway.caller.requests", "{request}", "Requests by whose key they had, and whether they were let in.");
        CallerTokens = meter.CreateCounter<long>(
            "parley.gateway.caller.tokens", "{token}", "Tokens of prompts and answers by whose key the request had.");
        _reachable = meter.CreateObservableGauge(
            "parley.gateway.generators.reachable", () => Volatile.Read(ref _loads)().Count, "{generator}",
            "Generators that tell their load.");
        Gauge(meter, "parley.gateway.generators.requests.queued", "{request}", "Requests that wait in the Generators.",
            loads => loads.Sum(load => load.QueuedRequests));
        Gauge(meter, "parley.gateway.generators.requests.running", "{request}", "Sequences that run in the Generators.",
            loads => loads.Sum(load => load.RunningSequences));
        Gauge(meter, "parley.gateway.generators.tokens.queued", "{token}", "Prompt tokens that wait in the Generators.",
            loads => loads.Sum(load => load.QueuedPromptTokens));
        Gauge(meter, "parley.gateway.generators.kv.utilization", "1", "Part of the Generators' KV blocks that sequences hold.",
            loads => loads.Average(load => load.KvUtilization));
        meter.CreateObservableCounter("parley.gateway.failovers", Moves, "{attempt}",
            "Answers that moved to another Generator, before their first token or behind it.");
    }

    public TimeProvider Time { get; }

    /// <summary>Which adapters have labels of their own.</summary>
    public AdapterLabels Adapters { get; }

    public Histogram<double> Duration { get; }

    public Histogram<double> TimeToFirstChunk { get; }

    public Histogram<double> TimePerOutputChunk { get; }

    public Counter<long> InputTokens { get; }

    public Counter<long> OutputTokens { get; }

    public Counter<long> CachedTokens { get; }

    public Histogram<long> InputTokensOfOne { get; }

    public Histogram<long> OutputTokensOfOne { get; }

    public UpDownCounter<long> ActiveRequests { get; }

    public Counter<long> AbortedRequests { get; }

    public Counter<long> CallerRequests { get; }

    public Counter<long> CallerTokens { get; }

    /// <summary>An answer moves to another Generator.</summary>
    /// <param name="hasBegun">Behind its first token.</param>
    public void Move(bool hasBegun) => Interlocked.Increment(ref hasBegun ? ref _resumed : ref _begunAnew);

    /// <summary>Whether somebody collects what the Generators' load is asked for.</summary>
    public bool WantsLoad => _reachable.Enabled;

    /// <summary>Starts the gauges of the Generators' load.</summary>
    public void Observe(Func<IReadOnlyList<ReplicaLoad>> loads) => Volatile.Write(ref _loads, loads);

    /// <summary>Starts to measure a request; disposing ends it.</summary>
    public ChatMeasurement Begin(ChatRequest request)
    {
        // The span gets the model's name once that is known to be one that is served.
        var activity = _source.StartActivity("chat", ActivityKind.Client);
        if (activity is not null && _server is not null)
        {
            activity.SetTag("server.address", _server.Host);
            activity.SetTag("server.port", _server.Port);
        }

        var content = activity is { IsAllDataRequested: true } && _options.MessageContent
            ? new ChatContent(request, _options.MessageContentCharactersMax)
            : null;
        return new ChatMeasurement(this, request, activity, content);
    }

    public void Dispose() => _source.Dispose();

    /// <summary>Both are there from the start, so that a first move is seen as one more.</summary>
    private Measurement<long>[] Moves() =>
    [
        new(Volatile.Read(ref _begunAnew), new KeyValuePair<string, object?>("parley.failover", "begun_anew")),
        new(Volatile.Read(ref _resumed), new KeyValuePair<string, object?>("parley.failover", "resumed")),
    ];

    private static Histogram<double> Seconds(Meter meter, string name, string description) =>
        meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBuckets });

    private static Histogram<long> Tokens(Meter meter, string name, string description) =>
        meter.CreateHistogram(
            name, "{token}", description, advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = TokenBuckets });

    private void Gauge<T>(Meter meter, string name, string unit, string description, Func<IReadOnlyList<ReplicaLoad>, T> read)
        where T : struct => meter.CreateObservableGauge<T>(
            name, () => Volatile.Read(ref _loads)() is { Count: > 0 } loads ? [new Measurement<T>(read(loads))] : [], unit, description);
}
