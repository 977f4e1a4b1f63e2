using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter;

/// <summary>What the place of a source says of the model: its name, and its revision in a Hugging Face cache.</summary>
internal static class SourceName
{
    private const string RepositoryStart = "models--";
    private const string Separator = "--";
    private const int CommitLength = 40;

    /// <summary>
    /// <c>org/model</c> for a snapshot of a Hugging Face cache (<c>models--org--model/snapshots/commit</c>), else the name of the folder or
    /// GGUF file in lower case.
    /// </summary>
    public static string Of(string source)
    {
        if (RepositoryOf(source) is { } repository)
            return repository;
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(source))).ToLowerInvariant();
        return CheckpointTensors.FolderOf(source) == source ? name : Path.GetFileNameWithoutExtension(name);
    }

    /// <summary>The commit of a snapshot; null for any other source.</summary>
    public static string? RevisionOf(string source)
    {
        var folder = CheckpointTensors.FolderOf(source);
        return SnapshotOf(SnapshotAbove(folder) ?? folder)?.Name;
    }

    private static string? RepositoryOf(string source) =>
        SnapshotOf(source)?.Parent?.Parent?.Name is { } name && name.StartsWith(RepositoryStart, StringComparison.Ordinal)
            && name.Length > RepositoryStart.Length
            ? name[RepositoryStart.Length..].Replace(Separator, "/", StringComparison.Ordinal)
            : null;

    /// <summary>Whether a folder is a snapshot of a repository in a Hugging Face cache.</summary>
    public static bool IsSnapshot(DirectoryInfo folder) => IsCommit(folder)
        && folder.Parent?.Parent?.Name.StartsWith(RepositoryStart, StringComparison.Ordinal) == true;

    /// <summary>The snapshot of a Hugging Face cache that a folder lies in, if it is not the snapshot itself; else null.</summary>
    public static string? SnapshotAbove(string folder)
    {
        var place = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        for (var above = IsSnapshot(place) ? null : place.Parent; above is not null; above = above.Parent)
        {
            if (IsSnapshot(above))
                return above.FullName;
        }

        return null;
    }

    private static DirectoryInfo? SnapshotOf(string folder)
    {
        var snapshot = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return IsCommit(snapshot) ? snapshot : null;
    }

    private static bool IsCommit(DirectoryInfo folder) =>
        folder.Parent?.Name == "snapshots" && folder.Name.Length == CommitLength && folder.Name.All(char.IsAsciiHexDigit);
}
