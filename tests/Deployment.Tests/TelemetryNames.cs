namespace Parley.Deployment.Tests;

/// <summary>
/// What deployments know of the telemetry: one place for its port, its settings and its metrics. Where the services have the options type,
/// the settings are held against it.
/// </summary>
internal static class TelemetryNames
{
    public const string PortName = "metrics";
    public const int Port = 9464;

    private const string OptionsType = "TelemetryOptions";

    private static readonly string[] Settings = ["MetricsPort", "MetricsHost", "LogFormat"];

    /// <summary>The metrics that autoscaler and picker read.</summary>
    public static readonly string[] Metrics =
    [
        "parley_generator_tokens_queued", "parley_generator_requests_running", "parley_gateway_generators_requests_queued",
        "parley_gateway_generators_requests_running", "parley_gateway_generators_kv_utilization",
    ];

    /// <summary>Why <c>Telemetry:NAME</c> cannot have a value; null where it can.</summary>
    public static string? SettingFault(string name, string value) =>
        name == "MetricsPort" && value != $"{Port}" ? $"the metrics port is {value}, not {Port}"
        : Programs.FindShared(OptionsType) is { } type ? Programs.PropertyFault(type, [name], value)
        : Settings.Contains(name) ? null : $"there is no Telemetry:{name}";
}
