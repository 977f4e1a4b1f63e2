namespace Parley.Cli.Doctor.Machine;

/// <summary>A GPU, as CUDA numbers it.</summary>
internal sealed record CardFacts(int Number, string Name, Version Capability, long FreeBytes, long TotalBytes);
