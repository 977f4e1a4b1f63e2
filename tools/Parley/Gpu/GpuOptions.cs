namespace Parley.Cli.Gpu;

/// <summary>What the commands of <c>parley gpu</c> share.</summary>
/// <param name="Source">A Hugging Face folder.</param>
/// <param name="Work">Where packages are made, once.</param>
/// <param name="Rehearsal">Run the same on the CPU: everything but the device.</param>
/// <param name="DeviceId">The GPU.</param>
/// <param name="LibraryPath">Folders of CUDA's libraries.</param>
internal sealed record GpuOptions(string Source, string Work, bool Rehearsal, int DeviceId, string LibraryPath);
