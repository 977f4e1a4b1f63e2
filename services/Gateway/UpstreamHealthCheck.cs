using Microsoft.Extensions.Diagnostics.HealthChecks;
using Parley.Gateway.Chat;
using Parley.Gateway.Upstream;

namespace Parley.Gateway;

/// <summary>Ready means: both services answer and belong to the same model.</summary>
internal sealed class UpstreamHealthCheck(UpstreamPairing pairing) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var pair = await pairing.LookAsync(cancellationToken);
            return HealthCheckResult.Healthy($"Serving {pair.Model}.");
        }
        catch (ChatException exception)
        {
            // What is told to probes names no address; UpstreamPairing has logged the rest.
            return HealthCheckResult.Unhealthy(exception.Error.Kind == ChatErrorKind.PairMismatch
                ? "Tokenizer and Generator belong to different models."
                : "The model is not available at the moment.");
        }
    }
}
