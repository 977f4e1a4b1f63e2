namespace Parley.Cli.Doctor.Machine;

/// <summary>A folder that models are kept in.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Use">What is kept there.</param>
/// <param name="Variable">The variable that moves it elsewhere.</param>
/// <param name="FreeBytes">Free on its disk; null where that cannot be told.</param>
/// <param name="Failure">Why nothing can be written there; null where it can.</param>
internal sealed record FolderFacts(string Path, string Use, string Variable, long? FreeBytes, string? Failure)
{
    /// <summary>Tries to write; a folder that is not there yet is as good as the nearest one above it.</summary>
    public static FolderFacts Read(string path, string use, string variable)
    {
        var folder = path;
        while (!Directory.Exists(folder) && System.IO.Path.GetDirectoryName(folder) is { Length: > 0 } above)
            folder = File.Exists(folder) ? "" : above;
        if (folder.Length == 0)
            return new FolderFacts(path, use, variable, null, "a file stands where a folder is meant");
        long? free = null;
        try
        {
            free = new DriveInfo(folder).AvailableFreeSpace;
            var file = System.IO.Path.Combine(folder, $".parley-doctor-{Guid.NewGuid():N}");
            using (new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
                return new FolderFacts(path, use, variable, free, null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new FolderFacts(path, use, variable, free, exception.Message);
        }
    }
}
