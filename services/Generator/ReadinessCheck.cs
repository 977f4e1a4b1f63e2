using Microsoft.Extensions.Diagnostics.HealthChecks;
using Parley.Generator.Engine;

namespace Parley.Generator;

/// <summary>Ready: the model is loaded and warmed up, steps succeed, and the service does not drain.</summary>
internal sealed class ReadinessCheck(EngineHost host) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(host.State == EngineState.Ready
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy(host.UnhealthyReason ?? Reason(host.State)));

    private static string Reason(EngineState state) => state switch
    {
        EngineState.Loading => "The model is being loaded.",
        EngineState.Unhealthy => "The engine has failed.",
        _ => "The service is stopping.",
    };
}
