using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Parley.ServiceDefaults.Telemetry;

/// <summary>
/// One trace through the services, their metrics, their logs. Each signal is collected only where somebody receives it: by OTLP, or for
/// metrics by Prometheus' page. Otherwise no span is made and no figure kept.
/// </summary>
internal static class OpenTelemetrySetup
{
    /// <summary>Sources and meters of Parley are subscribed by this prefix: emission stays with their owners.</summary>
    private const string SourcePrefix = "Parley.*";

    /// <summary>Figures of requests, connections and the runtime. Those of memory pools would be counted several times a token.</summary>
    private static readonly string[] FrameworkMeters =
        ["System.Runtime", "System.Net.Http", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    private static readonly string[] QuietPaths =
        ["/health", MetricsEndpoint.Path, "/grpc.health.v1.Health/", "/grpc.reflection."];

    /// <summary>
    /// What services ask each other whether or not anybody chats, and the call that many chats share: each of them has a span of its own.
    /// </summary>
    private static readonly string[] QuietMethods = ["/Describe", "/GetLoad", "/Detokenize"];

    /// <param name="builder">The service's builder.</param>
    /// <param name="serviceName">The resource's name; <c>OTEL_SERVICE_NAME</c> wins over it.</param>
    /// <param name="collects">Whether spans and metrics, which are the process's, are collected by this host.</param>
    public static void AddParleyTelemetry(this WebApplicationBuilder builder, string serviceName, bool collects)
    {
        var options = TelemetryOptions.Read(builder.Configuration);
        var otlp = OtlpTargets.Read(builder.Configuration);
        var services = builder.Services;
        services.AddSingleton(Options.Create(options));
        if (options.LogFormat == LogFormat.Json)
            WriteLogAsJson(services);
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(serviceName).AddEnvironmentVariableDetector());
        if (otlp.Logs is { } logs)
        {
            telemetry.WithLogging(
                logging => logging.AddOtlpExporter(exporter => Point(exporter, logs)), log => log.IncludeFormattedMessage = true);
        }

        if (!collects)
            return;
        if (otlp.Traces is { } traces)
            telemetry.WithTracing(tracing => tracing.AddParleySpans().AddOtlpExporter(exporter => Point(exporter, traces)));
        if (otlp.Metrics is { } metrics)
            telemetry.WithMetrics(meters => meters.AddParleyMetrics(options).AddOtlpExporter(exporter => Point(exporter, metrics)));
        if (options.MetricsPort is null)
            return;
        if (otlp.Metrics is null)
            telemetry.WithMetrics(meters => meters.AddParleyMetrics(options));
        telemetry.WithMetrics(meters => meters.AddPrometheusExporter());
        services.AddSingleton<MetricsEndpoint>();
        services.AddHostedService(provider => provider.GetRequiredService<MetricsEndpoint>());
    }

    /// <summary>The spans of a chat: server and client side of each call, and Parley's own.</summary>
    public static TracerProviderBuilder AddParleySpans(this TracerProviderBuilder tracing) => tracing
        .AddSource(SourcePrefix)
        .AddAspNetCoreInstrumentation(options => options.Filter = context => IsTraced(context.Request.Path.Value))
        // One span for a call, not one more for the HTTP below it.
        .AddGrpcClientInstrumentation(options => options.SuppressDownstreamInstrumentation = true);

    /// <summary>The figures of Parley, of the server and of the runtime, each with a bounded number of series.</summary>
    public static MeterProviderBuilder AddParleyMetrics(this MeterProviderBuilder metrics, TelemetryOptions options) => metrics
        .AddMeter(SourcePrefix)
        .AddMeter(FrameworkMeters)
        .AddView(_ => new MetricStreamConfiguration { CardinalityLimit = options.SeriesPerMetricMax })
        // A figure's example is a trace that somebody can open.
        .SetExemplarFilter(ExemplarFilterType.TraceBased);

    private static bool IsTraced(string? path) =>
        path is null
        || (!QuietPaths.Any(quiet => path.StartsWith(quiet, StringComparison.Ordinal))
            && !QuietMethods.Any(quiet => path.EndsWith(quiet, StringComparison.Ordinal)));

    private static void Point(OtlpExporterOptions exporter, OtlpTarget target)
    {
        if (target.Address is { } address)
            exporter.Endpoint = address;
    }

    private static void WriteLogAsJson(IServiceCollection services)
    {
        services.Configure<ConsoleLoggerOptions>(console => console.FormatterName = ConsoleFormatterNames.Json);
        services.Configure<JsonConsoleFormatterOptions>(json =>
        {
            // The scopes hold trace and span.
            (json.IncludeScopes, json.UseUtcTimestamp, json.TimestampFormat) = (true, true, "yyyy-MM-ddTHH:mm:ss.fffZ");
        });
    }
}
