namespace Parley.ModelPackages;

/// <summary>Beside a cached package: what its source was called, and by its time when it was last used.</summary>
internal static class PackageUse
{
    public const string Ending = ".use";

    /// <summary>Notes a use. A cache that cannot be written to serves all the same.</summary>
    public static void Note(string package, string source, TimeProvider time)
    {
        var path = package + Ending;
        try
        {
            if (!File.Exists(path) || File.ReadAllText(path) != source)
                File.WriteAllText(path, source);
            File.SetLastWriteTimeUtc(path, time.GetUtcNow().UtcDateTime);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>The source as it was called; null where no use was noted.</summary>
    public static (string Source, DateTime Time)? Read(string package) =>
        File.Exists(package + Ending) ? (File.ReadAllText(package + Ending), File.GetLastWriteTimeUtc(package + Ending)) : null;
}
