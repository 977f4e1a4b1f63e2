using Microsoft.Extensions.Configuration;

namespace Parley.ServiceDefaults.Telemetry;

/// <summary>Which signals OpenTelemetry's variables send by OTLP, and where a signal has an address of its own.</summary>
/// <param name="Traces">Null is not sent.</param>
/// <param name="Metrics">Null is not sent.</param>
/// <param name="Logs">Null is not sent.</param>
internal sealed record OtlpTargets(OtlpTarget? Traces, OtlpTarget? Metrics, OtlpTarget? Logs)
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <exception cref="InvalidDataException">An address is none, or an exporter is asked for that Parley has not.</exception>
    public static OtlpTargets Read(IConfiguration configuration)
    {
        var common = AddressOf(configuration, Endpoint);
        return new OtlpTargets(Of("TRACES"), Of("METRICS"), Of("LOGS"));

        OtlpTarget? Of(string signal)
        {
            var variable = $"OTEL_{signal}_EXPORTER";
            var own = AddressOf(configuration, $"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
            return configuration[variable]?.Trim() switch
            {
                "none" => null,
                null or "" or "otlp" => common is null && own is null ? null : new OtlpTarget(own),
                var other => throw new InvalidDataException(
                    $"{variable}: '{other}' is not known here; it is otlp or none. Prometheus' page is {TelemetryOptions.Section}:"
                    + $"{nameof(TelemetryOptions.MetricsPort)}."),
            };
        }
    }

    private static Uri? AddressOf(IConfiguration configuration, string variable)
    {
        var value = configuration[variable];
        if (string.IsNullOrWhiteSpace(value))
            return null;
        return Uri.TryCreate(value, UriKind.Absolute, out var address) && address.Scheme is ("http" or "https")
            ? address
            : throw new InvalidDataException($"{variable}: '{value}' is no http or https address; give e.g. http://127.0.0.1:4317.");
    }
}
