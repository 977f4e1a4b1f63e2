namespace Parley.ServiceDefaults.Telemetry;

/// <summary>Where one signal goes by OTLP.</summary>
/// <param name="Address">Its own address, taken as it is; null is the common one.</param>
internal sealed record OtlpTarget(Uri? Address);
