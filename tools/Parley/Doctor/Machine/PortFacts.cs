namespace Parley.Cli.Doctor.Machine;

/// <summary>A port that a service would listen on.</summary>
/// <param name="Port">The port.</param>
/// <param name="Use">What it is for.</param>
/// <param name="Failure">Why it cannot be had; null where it can.</param>
/// <param name="Holder">The program that has it; null where it is free, or that is not ours to see.</param>
/// <param name="HolderId">Its process id.</param>
internal sealed record PortFacts(int Port, string Use, string? Failure, string? Holder, int? HolderId);
