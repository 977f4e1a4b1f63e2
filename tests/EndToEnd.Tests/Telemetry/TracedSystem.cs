using System.Diagnostics;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Parley.Embedded.Hosting;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.ModelPackages;
using Parley.ServiceDefaults;
using Parley.ServiceDefaults.Telemetry;
using Parley.TestSupport;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>
/// The three services with in-memory exporters for spans, metrics and logs, on the demo model under a name of its own and with a cache too
/// small for two long answers. Other systems of the process emit to the same listeners: traces are told apart by their ids, series by the
/// model's name.
/// </summary>
public sealed class TracedSystem : IAsyncDisposable
{
    public const string Model = "traced";

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-traced-").FullName;
    private readonly SharedList<Activity> _spans = new();
    private readonly SharedList<LogRecord> _logs = new();
    private readonly List<Metric> _metrics = [];
    private readonly BaseExportingMetricReader _reader;
    private LocalSystem _system = null!;
    private int _hosts;

    private TracedSystem() => _reader = new BaseExportingMetricReader(new InMemoryExporter<Metric>(_metrics));

    public Uri Http => _system.Http;

    /// <summary>Prometheus' page.</summary>
    public Uri Metrics => _system.Metrics!;

    internal GrpcChannel Gateway { get; private set; } = null!;

    internal ChatCompletion.ChatCompletionClient Chat { get; private set; } = null!;

    internal Generation.GenerationClient Generator { get; private set; } = null!;

    internal Tokenization.TokenizationClient Tokenizer { get; private set; } = null!;

    internal IReadOnlyList<LogRecord> Logs => _logs.Snapshot();

    /// <summary>What the Gateway's log says of requests that it could not serve.</summary>
    internal string NotServed =>
        string.Join('\n', Logs.Where(log => log.EventId.Id is 2001 or 2011 or 2012).Select(log => log.FormattedMessage));

    public static async Task<TracedSystem> StartAsync(params (string Key, string Value)[] settings)
    {
        var system = new TracedSystem();
        var package = Path.Combine(system._folder, "package");
        await PackageCache.ImportAsync(Shared.DemoModel, package, "fp32", CancellationToken.None);
        var all = new Dictionary<string, string?>
        {
            ["Generator:ModelName"] = Model,
            ["Tokenizer:ModelName"] = Model,
            ["Generator:KvCacheMegabytes"] = "1",
            ["Generator:RunningSequencesMax"] = "2",
            ["Generator:QueuedRequestsMax"] = "2",
            ["Gateway:LoadIntervalMs"] = "50",
            ["Telemetry:MetricsPort"] = "0",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        system._system = await LocalSystem.StartAsync(
            new LocalSystemOptions
            {
                PackageDirectory = package,
                LogLevelMin = LogLevel.Debug,
                LoggerProvider = new LogGuard(),
                Settings = all,
                AddServices = system.Listen,
            },
            CancellationToken.None);
        system.Gateway = GrpcClientDefaults.CreateChannel(system._system.Grpc);
        system.Chat = new ChatCompletion.ChatCompletionClient(system.Gateway);
        system.Generator = new Generation.GenerationClient(GrpcClientDefaults.CreateChannel(system._system.Generator));
        system.Tokenizer = new Tokenization.TokenizationClient(GrpcClientDefaults.CreateChannel(system._system.Tokenizer));
        return system;
    }

    /// <summary>The figures as they are now.</summary>
    public IReadOnlyList<MetricSnapshot> Collect()
    {
        lock (_metrics)
        {
            _metrics.Clear();
            Assert.True(_reader.Collect());
            return [.. _metrics.Select(metric => new MetricSnapshot(metric))];
        }
    }

    /// <summary>Prometheus' page, in the newer format where that is asked for.</summary>
    public async Task<string> ScrapeAsync(bool openMetrics = false)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, Metrics);
        if (openMetrics)
            request.Headers.TryAddWithoutValidation("Accept", "application/openmetrics-text; version=1.0.0");
        using var response = await client.SendAsync(request);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }

    /// <summary>The spans of a trace once they are as wanted, or as they are when that takes too long.</summary>
    internal async Task<IReadOnlyList<Activity>> TraceAsync(CallerTrace trace, Func<IReadOnlyList<Activity>, bool> isWhole)
    {
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(10))
        {
            var spans = _spans.Snapshot().Where(trace.Holds).ToList();
            if (isWhole(spans) || waited.Elapsed > TimeSpan.FromSeconds(20))
                return spans;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Gateway?.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
        _reader.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Listen(IServiceCollection services)
    {
        var telemetry = services.AddOpenTelemetry().WithLogging(
            logging => logging.AddInMemoryExporter(_logs),
            options => (options.IncludeFormattedMessage, options.IncludeScopes, options.ParseStateValues) = (true, true, true));
        if (Interlocked.Increment(ref _hosts) > 1)
            return;
        telemetry.WithTracing(tracing => tracing.AddParleySpans().AddInMemoryExporter(_spans));
        telemetry.WithMetrics(metrics => metrics.AddReader(_reader));
    }
}
