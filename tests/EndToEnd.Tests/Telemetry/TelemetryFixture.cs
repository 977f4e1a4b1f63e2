namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>One running system for the tests of a class.</summary>
public sealed class TelemetryFixture : IAsyncLifetime
{
    public TracedSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await TracedSystem.StartAsync();

    public ValueTask DisposeAsync() => System.DisposeAsync();
}
