using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Parley.ServiceDefaults.Settings;

namespace Parley.ServiceDefaults.Telemetry;

/// <summary>
/// What a service tells of itself, and how much: configuration section <c>Telemetry</c>. Where OTLP goes is said by OpenTelemetry's own
/// variables (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and its like).
/// </summary>
public sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>Port of Prometheus' page <c>/metrics</c>, which nothing else is served on.</summary>
    /// <value>0 to 65,535, where 0 takes a free one; default none: no page, and nothing is measured for it.</value>
    [Range(0, 65_535)]
    public int? MetricsPort { get; set; }

    /// <summary>Where that port listens. The page asks for no key: it holds figures, and never contents.</summary>
    /// <value>An address or a name of this machine; default 127.0.0.1, and 0.0.0.0 or :: is all that it has.</value>
    [Required]
    public string MetricsHost { get; set; } = "127.0.0.1";

    /// <summary>Series of one metric; what would be a further one is counted as <c>otel.metric.overflow</c>.</summary>
    /// <value>10 to 100,000; default 1,000.</value>
    [Range(10, 100_000)]
    public int SeriesPerMetricMax { get; set; } = 1000;

    /// <summary>Whether spans carry the messages of a chat and the answer.</summary>
    /// <value>Default false: no signal holds a word of either.</value>
    public bool MessageContent { get; set; }

    /// <summary>Characters of a chat's messages on its span, and of its answers; the rest is cut.</summary>
    /// <value>1 to 100,000,000; default 65,536.</value>
    [Range(1, 100_000_000)]
    public int MessageContentCharactersMax { get; set; } = 65_536;

    /// <summary>How the console's log is written.</summary>
    /// <value>Text or Json; default Text.</value>
    [EnumDataType(typeof(LogFormat))]
    public LogFormat LogFormat { get; set; } = LogFormat.Text;

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="OptionsValidationException">A value is none of its type or out of its range, or nobody reads a key; the message
    /// names all that are.</exception>
    /// <exception cref="InvalidDataException">There is no such address to listen on.</exception>
    public static TelemetryOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        SettingTexts.Require(typeof(TelemetryOptions), configuration.GetSection(Section));
        var options = configuration.GetSection(Section).Get<TelemetryOptions>() ?? new();
        var checks = new SettingsRules<TelemetryOptions>(Section, configuration).Validate(null, options);
        if (checks.Failed)
            throw new OptionsValidationException(Section, typeof(TelemetryOptions), checks.Failures);
        if (options.MetricsPort is not null)
            ServiceHost.Addresses(options.MetricsHost, $"{Section}:{nameof(MetricsHost)}");
        return options;
    }
}
