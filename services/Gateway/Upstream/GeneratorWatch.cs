using Microsoft.Extensions.Options;
using Parley.Gateway.Balancing;
using Parley.Gateway.Chat;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Gateway.Upstream;

/// <summary>
/// Finds the Generators and asks each for its load at an interval: for the picker where there are several, and for the gauges while
/// somebody collects them. One that does not answer in the time that a description may take has no load, and is picked last.
/// </summary>
internal sealed class GeneratorWatch(
    GeneratorFleet fleet, HostLookup lookup, GatewayTelemetry telemetry, IOptions<GatewayOptions> options, TimeProvider time)
    : BackgroundService
{
    private TimeSpan Limit => TimeSpan.FromSeconds(options.Value.DescribeSecondsMax);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        telemetry.Observe(() => [.. fleet.Replicas.Select(replica => replica.Told).OfType<ReplicaLoad>()]);
        try
        {
            await Task.WhenAll(FindAsync(stoppingToken), AskAllAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task FindAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.ResolveSeconds), time);
        do
        {
            await fleet.ResolveAsync(lookup, stoppingToken);
            fleet.Sweep();
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task AskAllAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.LoadIntervalMs), time);
        do
        {
            var wanted = telemetry.WantsLoad || fleet.IsBalanced;
            await Task.WhenAll(fleet.Replicas.Select(replica => wanted ? AskAsync(replica, stoppingToken) : ForgetAsync(replica)));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task AskAsync(GeneratorReplica replica, CancellationToken stoppingToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stoppingToken);
        using var untraced = Untraced.Begin();
        try
        {
            replica.Tell(await replica.Client.GetLoadAsync(either.Token));
            if (replica.Description is null)
                await GeneratorFleet.DescribeAsync(replica, either.Token);
        }
        catch (Exception exception) when (exception is ChatException or OperationCanceledException)
        {
            stoppingToken.ThrowIfCancellationRequested();
            replica.Tell(null);
            replica.Description = null;
        }
    }

    /// <summary>What nobody renews is not believed.</summary>
    private static Task ForgetAsync(GeneratorReplica replica)
    {
        replica.Tell(null);
        return Task.CompletedTask;
    }
}
