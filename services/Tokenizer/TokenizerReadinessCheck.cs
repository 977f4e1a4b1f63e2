using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Parley.Tokenizer;

/// <summary>Ready once the model is loaded.</summary>
internal sealed class TokenizerReadinessCheck(Lazy<TokenizerModel> model) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(model.IsValueCreated ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The model is not loaded yet."));
}
