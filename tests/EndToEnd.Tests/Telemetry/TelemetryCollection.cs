namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>Tests that share one system with listeners, one after the other: a second one would hear the first.</summary>
[CollectionDefinition(Name)]
public sealed class TelemetryCollection : ICollectionFixture<TelemetryFixture>
{
    public const string Name = "telemetry";
}
