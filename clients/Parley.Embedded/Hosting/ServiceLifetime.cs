using Microsoft.Extensions.Hosting;

namespace Parley.Embedded.Hosting;

/// <summary>A host lifetime that handles no signals: three hosts share this process, and it has one handler for all of them.</summary>
internal sealed class ServiceLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
