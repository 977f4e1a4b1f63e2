using Microsoft.Extensions.Hosting;

namespace Parley.ServiceDefaults.Telemetry;

/// <summary>The lifetime of a host within another's: it handles no signals, and ends when it is told to.</summary>
internal sealed class GuestLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
