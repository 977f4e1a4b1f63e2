namespace Parley.PackageFormat;

/// <summary>
/// What the place of a folder says of the model in it, where it is a snapshot in the cache of the Hugging Face Hub's tools:
/// <c>models--org--name/snapshots/COMMIT</c>.
/// </summary>
public static class HubSnapshot
{
    private const string RepositoryStart = "models--";
    private const string Separator = "--";
    private const string Snapshots = "snapshots";
    private const int CommitLength = 40;

    /// <summary><c>org/name</c>; null where the folder is no snapshot.</summary>
    public static string? RepositoryOf(string folder) =>
        Open(folder) is { } snapshot && RepositoryFolder(snapshot) is { } repository && repository.Name.Length > RepositoryStart.Length
        ? repository.Name[RepositoryStart.Length..].Replace(Separator, "/", StringComparison.Ordinal)
        : null;

    /// <summary>The commit of a snapshot, whatever lies above it; null where the folder is none.</summary>
    public static string? CommitOf(string folder) => Open(folder)?.Name;

    /// <summary>The folder of a snapshot's repository, blobs and all; null where the folder is no snapshot of one.</summary>
    public static DirectoryInfo? RepositoryFolder(DirectoryInfo folder) =>
        IsCommit(folder) && folder.Parent?.Parent is { } repository
            && repository.Name.StartsWith(RepositoryStart, StringComparison.Ordinal)
            ? repository
            : null;

    /// <summary>The snapshot of a repository that a folder lies in, if it is not the snapshot itself; else null.</summary>
    public static string? Above(string folder)
    {
        var place = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        for (var above = RepositoryFolder(place) is null ? place.Parent : null; above is not null; above = above.Parent)
        {
            if (RepositoryFolder(above) is not null)
                return above.FullName;
        }

        return null;
    }

    private static DirectoryInfo? Open(string folder)
    {
        var snapshot = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return IsCommit(snapshot) ? snapshot : null;
    }

    private static bool IsCommit(DirectoryInfo folder) =>
        folder.Parent?.Name == Snapshots && folder.Name.Length == CommitLength && folder.Name.All(char.IsAsciiHexDigit);
}
