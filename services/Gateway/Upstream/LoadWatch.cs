using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.Gateway.Upstream;

/// <summary>
/// Asks the Generator for its load at an interval, for the gauges by which a picker chooses among Gateways. It asks only while somebody
/// collects them; a Generator that does not answer within the interval has no load, and the gauges say nothing.
/// </summary>
internal sealed class LoadWatch(
    GeneratorClient generator, GatewayTelemetry telemetry, IOptions<GatewayOptions> options, TimeProvider time) : BackgroundService
{
    private GeneratorLoad? _last;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        telemetry.Observe(() => Volatile.Read(ref _last));
        var interval = TimeSpan.FromMilliseconds(options.Value.LoadIntervalMs);
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                if (telemetry.WantsLoad)
                    Volatile.Write(ref _last, await AskAsync(interval, stoppingToken));
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task<GeneratorLoad?> AskAsync(TimeSpan timeMax, CancellationToken stoppingToken)
    {
        using var limit = new CancellationTokenSource(timeMax, time);
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
