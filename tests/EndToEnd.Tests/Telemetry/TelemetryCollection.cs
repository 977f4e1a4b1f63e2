namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>
/// Tests that share one system with listeners, one after the other: a second one would hear the first. And alone in the process: where two
/// meters have one name, the SDK stops listening to both when one of them is disposed, as the hosts of other tests are.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TelemetryCollection : ICollectionFixture<TelemetryFixture>
{
    public const string Name = "telemetry";
}
