using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Parley.ServiceDefaults;

/// <summary>
/// <c>grpc.health.v1</c>: the empty service name and <c>readiness</c> need every check, <c>liveness</c> only those tagged <c>live</c>.
/// </summary>
public static class HealthSetup
{
    /// <summary>Tag of the checks whose failure means that the process must be restarted.</summary>
    public const string LiveTag = "live";

    internal static void AddParleyHealth(this IServiceCollection services)
    {
        services.AddGrpcHealthChecks(options =>
        {
            // Evaluated at each call: a probe must not read what was true half a minute ago.
            options.UseHealthChecksCache = false;
            options.Services.Map("readiness", _ => true);
            options.Services.Map("liveness", check => check.Tags.Contains(LiveTag));
        });
        // A process that answers at all is alive; a service with more to say of its life adds checks with this tag.
        services.AddHealthChecks().AddCheck("process", () => HealthCheckResult.Healthy(), [LiveTag]);

        // The framework logs a check's "not yet" as an error at each look; what it reports is logged once, where it happens.
        services.AddLogging(logging => logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None));
        services.Configure<HealthCheckPublisherOptions>(options =>
        {
            // Watch streams are fed by the publisher, whose defaults are a first look after 5 s and then every 30 s.
            options.Delay = TimeSpan.Zero;
            options.Period = TimeSpan.FromSeconds(1);
        });
    }
}
