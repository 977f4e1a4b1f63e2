using Parley.Cli.Doctor.Machine;
using Parley.Cli.Hub;

namespace Parley.Cli.Doctor.Checks;

/// <summary>Room and rights where models are kept.</summary>
internal static class DiskCheck
{
    private const string Name = "disk";

    /// <summary>Room that a small model takes as a download and as a package.</summary>
    private const long FreeBytesMin = 2_000_000_000;

    public static IEnumerable<Finding> Of(MachineState state)
    {
        foreach (var folder in state.Folders)
        {
            var free = folder.FreeBytes is { } bytes ? $"{ByteText.Of(bytes)} free" : "free room not known";
            var fact = $"{folder.Path} ({folder.Use}): {free}";
            var stored = state.Package.Size is { } size ? size.WeightBytes + size.RowBytes : 0;
            var needed = Math.Max(FreeBytesMin, 2 * stored);
            if (folder.Failure is not null)
            {
                yield return Finding.Warning(
                    Name, $"{fact}, and nothing can be written: {folder.Failure}",
                    $"to pull or import, set {folder.Variable} to a folder that can be written; to serve a package, nothing");
            }
            else if (folder.FreeBytes < needed)
            {
                yield return Finding.Warning(
                    Name, $"{fact}, less than the {ByteText.Of(needed)} that a pull and an import may take",
                    $"'parley models' shows what can go, or set {folder.Variable} to a larger disk");
            }
            else
            {
                yield return Finding.Ok(Name, fact);
            }
        }
    }
}
