using System.Diagnostics;
using System.Diagnostics.Metrics;
using Parley.Gateway.Chat;

namespace Parley.Gateway;

/// <summary>
/// Meter and activity source <c>Parley.Gateway</c>. Names, units and buckets of <c>gen_ai.client.*</c> are those of the OpenTelemetry
/// conventions for generative AI; <c>parley.*</c> is ours. Contents of messages are never recorded.
/// </summary>
internal sealed class GatewayTelemetry : IDisposable
{
    public const string Name = "Parley.Gateway";

    private static readonly double[] DurationBuckets = [.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly long[] TokenBuckets =
        [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

    private readonly ActivitySource _source = new(Name);

    public GatewayTelemetry(IMeterFactory meters, TimeProvider time)
    {
        Time = time;
        var meter = meters.Create(Name);
        TokenUsage = meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "Tokens of a request, by type.",
            advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = TokenBuckets });
        OperationDuration = Seconds(meter, "gen_ai.client.operation.duration", "Duration of a request.");
        TimeToFirstChunk = Seconds(meter, "gen_ai.client.operation.time_to_first_chunk", "From the request to its first text.");
        TimePerOutputChunk = Seconds(meter, "gen_ai.client.operation.time_per_output_chunk", "Between two chunks of text.");
        ActiveRequests = meter.CreateUpDownCounter<long>("parley.gateway.active_requests", "{request}", "Requests in flight.");
        AbortedRequests = meter.CreateCounter<long>("parley.gateway.aborted_requests", "{request}", "Requests whose caller left.");
    }

    public TimeProvider Time { get; }

    public Histogram<long> TokenUsage { get; }

    public Histogram<double> OperationDuration { get; }

    public Histogram<double> TimeToFirstChunk { get; }

    public Histogram<double> TimePerOutputChunk { get; }

    public UpDownCounter<long> ActiveRequests { get; }

    public Counter<long> AbortedRequests { get; }

    /// <summary>Starts to measure a request; disposing ends it.</summary>
    public ChatMeasurement Begin(ChatRequest request) =>
        new(this, request, _source.StartActivity($"chat {request.Model}", ActivityKind.Internal));

    public void Dispose() => _source.Dispose();

    private static Histogram<double> Seconds(Meter meter, string name, string description) =>
        meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBuckets });
}
