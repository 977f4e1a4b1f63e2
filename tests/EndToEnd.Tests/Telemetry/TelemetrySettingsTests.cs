using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Parley.ServiceDefaults;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>What the settings switch on, and what is said of those that are wrong.</summary>
public sealed class TelemetrySettingsTests
{
    [Fact]
    public void Services_WithoutSettings_CollectNothing()
    {
        using var services = Build();

        Assert.Null(services.GetService<TracerProvider>());
        Assert.Null(services.GetService<MeterProvider>());
        Assert.Null(services.GetService<LoggerProvider>());
        Assert.Null(services.GetService<MetricsEndpoint>());
        Assert.False(services.GetRequiredService<IOptions<TelemetryOptions>>().Value.MessageContent);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", true, true, true)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", true, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", false, true, false)]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", false, false, true)]
    public void Otlp_OfAnAddress_SendsItsSignals(string variable, bool traces, bool metrics, bool logs)
    {
        var targets = OtlpTargets.Read(Configuration((variable, "http://127.0.0.1:4317")));

        Assert.Equal((traces, metrics, logs), (targets.Traces is not null, targets.Metrics is not null, targets.Logs is not null));
    }

    [Fact]
    public void Otlp_ExporterNone_LeavesASignalOut()
    {
        var targets = OtlpTargets.Read(Configuration(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317"), ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://logs.example.com/v1/logs")));

        Assert.Null(targets.Traces);
        Assert.Null(targets.Metrics!.Address);
        Assert.Equal("https://logs.example.com/v1/logs", targets.Logs!.Address!.AbsoluteUri);
    }

    [Theory]
    [InlineData("Telemetry:MetricsPort", "70000", "Telemetry:MetricsPort is 70,000", "to 65,535")]
    [InlineData("Telemetry:MetricsPort", "nine", "Telemetry:MetricsPort is 'nine'", "to 65,535")]
    [InlineData("Telemetry:SeriesPerMetricMax", "1", "Telemetry:SeriesPerMetricMax is 1", "from 10 to 100,000")]
    [InlineData("Telemetry:MessageContentCharactersMax", "0", "Telemetry:MessageContentCharactersMax is 0", "from 1 to")]
    [InlineData("Telemetry:LogFormat", "Xml", "Telemetry:LogFormat is 'Xml'", "Text, Json")]
    [InlineData("Telemetry:MetricPort", "9464", "Telemetry:MetricPort is no setting", "Telemetry:MetricsPort")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "OTEL_EXPORTER_OTLP_ENDPOINT", "'collector:4317'", "http://127.0.0.1")]
    [InlineData("OTEL_TRACES_EXPORTER", "jaeger", "OTEL_TRACES_EXPORTER", "'jaeger'", "otlp or none")]
    public void Start_WithAWrongSetting_SaysWhichAndWhatItMayBe(string key, string value, params string[] told)
    {
        var exception = Assert.ThrowsAny<Exception>(() => Build((key, value)).Dispose());

        Assert.True(exception is InvalidDataException or OptionsValidationException, exception.ToString());
        Assert.All(told, word => Assert.Contains(word, exception.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Start_WithAHostThatIsNotThisMachine_NamesTheSetting()
    {
        var exception = Assert.Throws<InvalidDataException>(
            () => Build(("Telemetry:MetricsPort", "0"), ("Telemetry:MetricsHost", "192.0.2.1")).Dispose());

        Assert.StartsWith("Telemetry:MetricsHost: 192.0.2.1 is no address of this machine", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("--host", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_OnAPortThatIsTaken_NamesTheSetting()
    {
        await using var first = Build(("Telemetry:MetricsPort", "0"));
        var endpoint = first.GetRequiredService<MetricsEndpoint>();
        await endpoint.StartAsync(CancellationToken.None);
        await using var second = Build(("Telemetry:MetricsPort", $"{endpoint.Address!.Port}"));

        var exception = await Assert.ThrowsAsync<IOException>(
            () => second.GetRequiredService<MetricsEndpoint>().StartAsync(CancellationToken.None));

        var told = $"Telemetry:MetricsPort: port {endpoint.Address.Port} of 127.0.0.1 cannot be had";
        Assert.StartsWith(told, exception.Message, StringComparison.Ordinal);
        await endpoint.StopAsync(CancellationToken.None);
    }

    [Fact]
    public void Series_BeyondTheirMost_AreOneOverflow()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var counter = services.GetRequiredService<IMeterFactory>().Create("Parley.Series").CreateCounter<long>("parley.series.counted");
        var metrics = new List<Metric>();
        var reader = new BaseExportingMetricReader(new InMemoryExporter<Metric>(metrics));
        using var provider = OpenTelemetry.Sdk.CreateMeterProviderBuilder()
            .AddParleyMetrics(new TelemetryOptions { SeriesPerMetricMax = 10 }).AddReader(reader).Build();
        for (var i = 0; i < 100; i++)
            counter.Add(1, new KeyValuePair<string, object?>("name", i));
        Assert.True(reader.Collect());

        var snapshot = new MetricSnapshot(metrics.Single(metric => metric.Name == "parley.series.counted"));
        Assert.Equal(100, snapshot.MetricPoints.Sum(point => point.GetSumLong()));
        Assert.InRange(snapshot.MetricPoints.Count, 10, 11);
        Assert.Contains(snapshot.MetricPoints, HasOverflow);
    }

    private static bool HasOverflow(MetricPoint point)
    {
        foreach (var tag in point.Tags)
        {
            if (tag.Key == "otel.metric.overflow")
                return true;
        }

        return false;
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(one => KeyValuePair.Create(one.Key, (string?)one.Value))).Build();

    private static ServiceProvider Build(params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(settings.Select(one => KeyValuePair.Create(one.Key, (string?)one.Value)));
        builder.AddServiceDefaults("parley-test");
        return ((IServiceCollection)builder.Services).BuildServiceProvider();
    }
}
