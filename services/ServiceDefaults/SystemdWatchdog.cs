using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting.Systemd;

namespace Parley.ServiceDefaults;

/// <summary>
/// Tells systemd at each look of the health publisher, once a second, that the process lives. One whose liveness fails falls silent, and
/// systemd starts it anew after <c>WatchdogSec</c>: what Kubernetes does by the liveness probe.
/// </summary>
internal sealed class SystemdWatchdog(ISystemdNotifier notifier) : IHealthCheckPublisher
{
    /// <summary>systemd sets it where a unit has <c>WatchdogSec</c>.</summary>
    public const string Variable = "WATCHDOG_USEC";

    private static readonly ServiceState Alive = new("WATCHDOG=1");

    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        var isAlive = report.Entries.Values.Where(entry => entry.Tags.Contains(HealthSetup.LiveTag))
            .All(entry => entry.Status == HealthStatus.Healthy);
        if (isAlive)
            notifier.Notify(Alive);
        return Task.CompletedTask;
    }
}
