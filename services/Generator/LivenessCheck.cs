using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Parley.Generator.Engine;

namespace Parley.Generator;

/// <summary>Live: the engine's thread goes round. It never looks at the queue: a busy service is a live one.</summary>
internal sealed class LivenessCheck(EngineHost host, IOptions<GeneratorOptions> options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        if (host.State == EngineState.Unhealthy)
            return HealthCheckResult.Unhealthy(host.UnhealthyReason);
        return host.SinceHeartbeat is { } age && age > TimeSpan.FromSeconds(options.Value.StallSeconds)
            ? HealthCheckResult.Unhealthy($"The engine's last step began {age.TotalSeconds:0} s ago.")
            : HealthCheckResult.Healthy();
    }
}
