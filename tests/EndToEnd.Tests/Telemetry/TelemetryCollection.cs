namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>
/// Tests with listeners, one after the other and alone in the process. Each class has a system of its own: where two meters have one
/// name, the SDK stops listening to both when one of them is disposed, as the hosts of other tests are.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TelemetryCollection
{
    public const string Name = "telemetry";
}
