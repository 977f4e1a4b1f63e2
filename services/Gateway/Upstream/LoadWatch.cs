using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Gateway.Upstream;

/// <summary>
/// Asks the Generator for its load at an interval, for the gauges by which a picker chooses among Gateways. It asks only while somebody
/// collects them; a Generator that does not answer in the time that a description may take has no load, and the gauges say nothing.
/// </summary>
internal sealed class LoadWatch(
    GeneratorClient generator, GatewayTelemetry telemetry, IOptions<GatewayOptions> options, TimeProvider time) : BackgroundService
{
    private GeneratorLoad? _last;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        telemetry.Observe(() => Volatile.Read(ref _last));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.LoadIntervalMs), time);
        try
        {
            do
            {
                if (telemetry.WantsLoad)
                    Volatile.Write(ref _last, await AskAsync(stoppingToken));
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task<GeneratorLoad?> AskAsync(CancellationToken stoppingToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.DescribeSecondsMax), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stoppingToken);
        using var untraced = Untraced.Begin();
        try
        {
            return await generator.GetLoadAsync(either.Token);
        }
        catch (Exception exception) when (exception is ChatException or OperationCanceledException)
        {
            stoppingToken.ThrowIfCancellationRequested();
            return null;
        }
    }
}
