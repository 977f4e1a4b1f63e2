using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Parley.Gateway.Access;

/// <summary>Degraded, so that requests are still served, while the keys' file is not the one that is in force.</summary>
internal sealed class KeyFileHealthCheck(ApiKeys keys) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(keys.Fault is { } fault ? HealthCheckResult.Degraded(fault) : HealthCheckResult.Healthy());
}
