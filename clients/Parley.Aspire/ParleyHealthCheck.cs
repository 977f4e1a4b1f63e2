using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Parley.Client;

namespace Parley.Aspire;

/// <summary>Asks a server through <c>grpc.health.v1</c>, over the client's own connection, whether it would answer.</summary>
internal sealed class ParleyHealthCheck(ParleyChatClient client) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var channel = (GrpcChannel)client.GetService(typeof(GrpcChannel))!;
        try
        {
            var reply = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return reply.Status == HealthCheckResponse.Types.ServingStatus.Serving
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(context.Registration.FailureStatus, "The Parley server is not ready.");
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new HealthCheckResult(
                context.Registration.FailureStatus, $"The Parley server does not answer ({exception.StatusCode}).", exception);
        }
    }
}
